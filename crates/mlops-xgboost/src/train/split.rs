use super::binned::Binned;
use super::histogram::{Histogram, Sum};
use super::weight::{Bounds, Weights};
use super::Params;

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

impl Split {
    pub(super) fn goes_left(&self, binned: &Binned, row: u32) -> bool {
        binned.is_below(row, self.feature, self.n_left, self.default_left)
    }
}

/// Gains up to this are rounding.
const MIN_GAIN: f32 = 1e-6;

/// Finds splits.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitFinder<'a> {
    pub(super) weights: Weights<'a>,
    pub(super) binned: &'a Binned,
}

/// A node that a split is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) total: Sum,
    pub(super) bounds: Bounds,
    pub(super) histogram: &'a Histogram,
}

impl SplitFinder<'_> {
    /// The split with the largest gain, if one is worth it; of equal ones the first, with missing values on the right.
    pub(super) fn best(&self, node: Candidate<'_>, features: &[usize]) -> Option<Split> {
        let mut best = None;
        for &feature in features {
            self.scan(node, feature, &mut best);
        }
        let Params { gamma, .. } = self.weights.params;
        best.filter(|best: &Split| {
            let has_rows = best.children.iter().all(|child| child.second > 0.0);
            best.gain > MIN_GAIN && best.gain >= *gamma && has_rows
        })
    }

    /// Tries the splits of one feature: upwards with missing values on the right; then, if there are some, downwards with
    /// missing values on the left.
    fn scan(&self, node: Candidate<'_>, feature: usize, best: &mut Option<Split>) {
        let bins = node.histogram.present(self.binned, feature);
        let score = self.weights.score(node.total, node.bounds);
        let monotone = self.weights.params.monotone(feature);
        let mut attempt = |n_left, default_left, children: [Sum; 2]| {
            if !children.iter().all(|child| self.weights.is_heavy_enough(*child)) {
                return;
            }
            let Some(parts) = self.weights.score_of(monotone, children, node.bounds) else { return };
            let gain = parts - score;
            if gain > best.map_or(0.0, |best| best.gain) {
                *best = Some(Split { feature, n_left, default_left, gain, children });
            }
        };
        let mut left = Sum::default();
        for (n_left, bin) in (1..).zip(bins) {
            // Without rows in it, a bin makes the split of the one before.
            if *bin != Sum::default() {
                left += *bin;
                attempt(n_left, false, [left, node.total - left]);
            }
        }
        if self.binned.has_missing(feature) && left != node.total {
            let mut right = Sum::default();
            for (n_left, bin) in bins.iter().enumerate().skip(1).rev() {
                if *bin != Sum::default() {
                    right += *bin;
                    attempt(n_left, true, [node.total - right, right]);
                }
            }
        }
    }
}
