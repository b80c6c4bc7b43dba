use super::Params;
use super::binned::Binned;
use super::histogram::{Histogram, Sum};
use super::sweep::{Sweep, Swept};
use super::weight::{Bounds, Weights};

/// A split that lowers the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) feature: usize,
    /// So many bins of the feature go left.
    pub(super) n_left: usize,
    /// Whether missing values go left.
    pub(super) default_left: bool,
    pub(super) gain: f32,
    /// What goes left, and what goes right, added up.
    pub(super) children: [Sum; 2],
}

/// Gains up to this are rounding.
const MIN_GAIN: f32 = 1e-6;

/// Finds splits.
#[derive(Debug)]
pub(super) struct SplitFinder<'a> {
    params: &'a Params,
    pub(super) weights: Weights,
    pub(super) binned: &'a Binned,
    sweep: Sweep,
}

/// A node that a split is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) total: Sum,
    pub(super) bounds: Bounds,
    pub(super) histogram: &'a Histogram,
}

impl<'a> SplitFinder<'a> {
    pub(super) fn new(params: &'a Params, binned: &'a Binned) -> Self {
        Self { params, weights: Weights::new(params), binned, sweep: Sweep::default() }
    }

    /// The split with the largest gain, if one is worth it; of equal ones the first, with missing values on the right.
    pub(super) fn best(&mut self, node: Candidate<'_>, features: &[usize]) -> Option<Split> {
        let mut best = None;
        for &feature in features {
            self.scan(node, feature, &mut best);
        }
        best.filter(|best: &Split| {
            let has_rows = best.children.iter().all(|child| child.second > 0.0);
            best.gain > MIN_GAIN && best.gain >= self.params.gamma && has_rows
        })
    }

    /// Tries the splits of one feature: upwards with missing values on the right; then, if there are some, downwards with
    /// missing values on the left.
    fn scan(&mut self, node: Candidate<'_>, feature: usize, best: &mut Option<Split>) {
        let bins = node.histogram.present(self.binned, feature);
        self.sweep.begin(bins.iter());
        if let Some(Swept { at, sum, gain }) = self.swept(node, feature, false, *best) {
            let n_left = bins.iter().nth(at).map_or(0, |(bin, _)| bin + 1);
            let children = [sum, node.total - sum];
            *best = Some(Split { feature, n_left, default_left: false, gain, children });
        }
        if self.binned.has_missing(feature) {
            // Without the first bin there would be none on the left.
            let downwards = || bins.iter().rev().filter(|(bin, _)| *bin > 0);
            self.sweep.begin(downwards());
            if let Some(Swept { at, sum, gain }) = self.swept(node, feature, true, *best) {
                let n_left = downwards().nth(at).map_or(0, |(bin, _)| bin);
                let children = [node.total - sum, sum];
                *best = Some(Split { feature, n_left, default_left: true, gain, children });
            }
        }
    }

    /// The best split of the sweep, if it is better.
    fn swept(
        &mut self,
        Candidate { total, bounds, .. }: Candidate<'_>,
        feature: usize,
        default_left: bool,
        best: Option<Split>,
    ) -> Option<Swept> {
        let weights = self.weights;
        let least = best.map_or(0.0, |best| best.gain);
        let score = weights.score(total, bounds);
        if weights.are_free() {
            let gain = move |sum| weights.free_score(sum) + weights.free_score(total - sum) - score;
            self.sweep.best(total, weights, least, gain)
        } else {
            let monotone = self.params.monotone(feature);
            let children = |sum| if default_left { [total - sum, sum] } else { [sum, total - sum] };
            let parts = |sum| weights.score_of(monotone, children(sum), bounds);
            let gain = |sum| parts(sum).map_or(f32::NEG_INFINITY, |parts| parts - score);
            self.sweep.best(total, weights, least, gain)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlops_core::{Feature, Records, Schema};
    use ndarray::{Array2, array};

    use super::*;
    use crate::train::histogram::Gradient;
    use crate::train::threads::Threads;
    use crate::{Dataset, Monotone};

    fn best(
        params: &Params,
        values: Array2<f64>,
        firsts: &[f32],
    ) -> Option<(usize, f32, bool, f32)> {
        let features = (0..values.ncols()).map(|feature| Feature::numeric(format!("f{feature}")));
        let schema = Arc::new(Schema::new(features.collect()).unwrap());
        let dataset = Dataset::new(&Records::new(schema, values).unwrap(), firsts).unwrap();
        let binned = Binned::new(&dataset, 256, Threads::One);
        let gradients: Vec<Gradient> =
            firsts.iter().map(|first| Gradient { first: *first, second: 1.0 }).collect();
        let rows: Vec<u32> = (0..).take(firsts.len()).collect();
        let features: Vec<usize> = (0..dataset.n_features()).collect();
        let histogram = Histogram::count(&binned, &features, &rows, &gradients, None, Threads::One);
        let total = gradients.iter().fold(Sum::default(), |sum, each| sum + Sum::from(*each));
        let candidate = Candidate { total, bounds: Bounds::NONE, histogram: &histogram };
        let mut finder = SplitFinder::new(params, &binned);
        let split = finder.best(candidate, &features)?;
        let threshold = binned.threshold(split.feature, split.n_left);
        Some((split.feature, threshold, split.default_left, split.gain))
    }

    #[test]
    fn the_split_with_the_largest_gain_wins() {
        let values = || array![[0.0, 5.0], [0.0, 6.0], [1.0, 7.0], [1.0, 8.0]];
        let params = Params::default().reg_lambda(0.0);
        // By hand: 2^2 / 2 + 2^2 / 2 - 0, of both features, the first of which is taken.
        assert_eq!(best(&params, values(), &[1.0, 1.0, -1.0, -1.0]), Some((0, 1.0, false, 4.0)));
        // 1^2 / 1 + 3^2 / 3 - 2^2 / 4
        assert_eq!(best(&params, values(), &[1.0, -1.0, -1.0, -1.0]), Some((1, 6.0, false, 3.0)));
    }

    #[test]
    fn missing_values_go_where_they_lower_the_loss() {
        let values = || array![[0.0], [f64::NAN], [1.0], [f64::NAN]];
        let params = Params::default().reg_lambda(0.0);
        assert_eq!(best(&params, values(), &[1.0, 1.0, -1.0, 1.0]), Some((0, 1.0, true, 3.0)));
        assert_eq!(best(&params, values(), &[1.0, -1.0, -1.0, -1.0]), Some((0, 1.0, false, 3.0)));
        // All that are there on the left, below a threshold above them.
        assert_eq!(
            best(&params, values(), &[1.0, -1.0, 1.0, -1.0]),
            Some((0, 2.000_01, false, 4.0))
        );
    }

    #[test]
    fn regularization_forbids_splits() {
        let values = || array![[0.0], [1.0]];
        let firsts = [1.0, -1.0];
        let best = |params: Params| best(&params, values(), &firsts);
        assert!(best(Params::default()).is_some());
        assert_eq!(best(Params::default().min_child_weight(1.5)), None);
        assert_eq!(best(Params::default().reg_alpha(1.0)), None);
        assert_eq!(best(Params::default().gamma(1.01)), None);
        assert_eq!(best(Params::default().monotone_constraints([Monotone::Decreasing])), None);
    }
}
