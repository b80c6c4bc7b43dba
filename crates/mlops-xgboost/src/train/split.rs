use super::Params;
use super::binned::Binned;
use super::histogram::{Gradient, Histogram};

/// A split that lowers the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) feature: usize,
    /// The feature's bins up to this one go left.
    pub(super) bin: usize,
    /// Whether missing values go left.
    pub(super) default_left: bool,
    pub(super) gain: f64,
    /// What goes left, added up.
    pub(super) left: Gradient,
}

/// Gains below this are rounding.
const MIN_GAIN: f64 = 1e-6;

/// Finds splits and weights under the regularization of `params`:
///
/// ```text
/// weight = -T(G) / (H + lambda)        score = T(G)^2 / (H + lambda)
/// gain   = score(left) + score(right) - score(node)        T(G) = sign(G) max(|G| - alpha, 0)
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitFinder<'a> {
    pub(super) params: &'a Params,
    pub(super) binned: &'a Binned,
}

impl SplitFinder<'_> {
    /// The split of a node with the largest gain, if any has one; of equal ones the first.
    pub(super) fn best(
        &self,
        features: &[usize],
        total: Gradient,
        histogram: &Histogram,
    ) -> Option<Split> {
        let mut best: Option<Split> = None;
        let score = self.score(total);
        for &feature in features {
            let missing = histogram.bin(self.binned.missing(feature));
            let has_missing = missing.second > 0.0;
            for default_left in [false, true].into_iter().take(1 + usize::from(has_missing)) {
                let mut left = if default_left { missing } else { Gradient::default() };
                let bins = self.binned.present(feature);
                for bin in bins.start..bins.end - 1 {
                    left += histogram.bin(bin);
                    let right = total - left;
                    if !(self.is_heavy_enough(left) && self.is_heavy_enough(right)) {
                        continue;
                    }
                    let gain = self.score(left) + self.score(right) - score;
                    if gain > best.map_or(MIN_GAIN, |best| best.gain) {
                        best = Some(Split { feature, bin, default_left, gain, left });
                    }
                }
            }
        }
        best
    }

    /// The weight that lowers the loss of a node most.
    pub(super) fn weight(&self, total: Gradient) -> f64 {
        let denominator = total.second + self.params.reg_lambda;
        if denominator > 0.0 { -self.shrunk(total.first) / denominator } else { 0.0 }
    }

    fn score(&self, total: Gradient) -> f64 {
        let denominator = total.second + self.params.reg_lambda;
        if denominator > 0.0 { self.shrunk(total.first).powi(2) / denominator } else { 0.0 }
    }

    fn shrunk(&self, gradient: f64) -> f64 {
        (gradient.abs() - self.params.reg_alpha).max(0.0).copysign(gradient)
    }

    fn is_heavy_enough(&self, child: Gradient) -> bool {
        child.second >= self.params.min_child_weight && child.second > 0.0
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn gradients(firsts: &[f64]) -> Vec<Gradient> {
        firsts.iter().map(|first| Gradient { first: *first, second: 1.0 }).collect()
    }

    fn best(
        params: &Params,
        values: &ndarray::Array2<f32>,
        firsts: &[f64],
    ) -> Option<(usize, f32, bool, f64)> {
        let binned = Binned::new(values, 256);
        let gradients = gradients(firsts);
        let rows: Vec<u32> = (0_u32..).take(firsts.len()).collect();
        let total = gradients.iter().fold(Gradient::default(), |sum, gradient| sum + *gradient);
        let histogram = Histogram::of(&binned, &rows, &gradients);
        let features: Vec<usize> = (0..binned.n_features()).collect();
        let split = SplitFinder { params, binned: &binned }.best(&features, total, &histogram)?;
        Some((
            split.feature,
            binned.threshold(split.feature, split.bin),
            split.default_left,
            split.gain,
        ))
    }

    #[test]
    fn the_split_with_the_largest_gain_wins() {
        let values = array![[0.0, 5.0], [0.0, 6.0], [1.0, 7.0], [1.0, 8.0]];
        let params = Params::default().reg_lambda(0.0);
        // By hand: the second feature parts the signs: 2^2 / 2 + 2^2 / 2 - 0.
        let found = best(&params, &values, &[1.0, 1.0, -1.0, -1.0]);
        assert_eq!(found, Some((0, 0.5, false, 4.0)));
        let found = best(&params, &values, &[1.0, -1.0, -1.0, -1.0]);
        assert_eq!(found, Some((1, 5.5, false, 3.0)));
    }

    #[test]
    fn missing_values_go_where_they_lower_the_loss() {
        let values = array![[0.0], [f32::NAN], [1.0], [f32::NAN]];
        let params = Params::default().reg_lambda(0.0);
        assert_eq!(best(&params, &values, &[1.0, 1.0, -1.0, 1.0]), Some((0, 0.5, true, 3.0)));
        assert_eq!(best(&params, &values, &[1.0, -1.0, -1.0, -1.0]), Some((0, 0.5, false, 3.0)));
    }

    #[test]
    fn regularization_forbids_splits() {
        let values = array![[0.0], [1.0]];
        let firsts = [1.0, -1.0];
        assert!(best(&Params::default(), &values, &firsts).is_some());
        assert_eq!(best(&Params::default().min_child_weight(1.5), &values, &firsts), None);
        assert_eq!(best(&Params::default().reg_alpha(1.0), &values, &firsts), None);
    }
}
