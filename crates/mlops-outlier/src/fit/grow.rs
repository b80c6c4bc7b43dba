use std::ops::Range;

use mlops_core::Random;
use mlops_forest::{Node, Side, threshold_at_most};

use super::subsample::Columns;

/// Grows a tree from all rows of `columns`, of which it may split by `max_features`.
pub(super) fn grow(
    columns: &Columns,
    max_features: usize,
    max_depth: usize,
    mut random: Random,
) -> Vec<Node<usize>> {
    let mut features: Vec<usize> = (0..columns.n_columns()).collect();
    if max_features < features.len() {
        random.choose(&mut features, max_features);
        features.truncate(max_features);
    }
    let grower = Grower { columns, random, features, max_depth, nodes: Vec::new() };
    grower.grow()
}

struct Grower<'c> {
    columns: &'c Columns,
    random: Random,
    // All features that the tree may split by, in the order that past choices left them in.
    features: Vec<usize>,
    max_depth: usize,
    nodes: Vec<Node<usize>>,
}

/// A subtree that is yet to be grown.
struct Pending {
    /// Where its rows stand.
    rows: Range<usize>,
    depth: usize,
    /// All but so many of the first features are known to be constant in the rows.
    n_varying: usize,
    /// The split whose right child it is; a left child stands behind its parent.
    right_of: Option<usize>,
}

impl Grower<'_> {
    /// Grows all subtrees, left ones first; a list instead of calls, since trees without a limit may
    /// be deeper than the stack.
    fn grow(mut self) -> Vec<Node<usize>> {
        let n_rows = self.columns.n_rows();
        let mut rows: Vec<usize> = (0..n_rows).collect();
        let n_varying = self.features.len();
        let mut pending = vec![Pending { rows: 0..n_rows, depth: 0, n_varying, right_of: None }];
        while let Some(Pending { rows: range, depth, n_varying, right_of }) = pending.pop() {
            let at = self.nodes.len();
            if let Some(Node::Split { right, .. }) =
                right_of.and_then(|parent| self.nodes.get_mut(parent))
            {
                *right = at;
            }
            let here = &mut rows[range.clone()];
            let choice = if depth < self.max_depth { self.choose(here, n_varying) } else { None };
            let Some(Choice { feature, threshold, is_complete, n_varying }) = choice else {
                self.nodes.push(Node::Leaf { value: here.len() });
                continue;
            };
            let column = self.columns.column(feature);
            let (n_left, missing) = if is_complete {
                let n_left = partition(here, |row| column[row] < threshold);
                (n_left, larger(n_left, here.len() - n_left))
            } else {
                let missing = side_of_missing(column, threshold, here);
                let goes_left = |row: usize| {
                    let x = column[row];
                    x < threshold || (x.is_nan() && missing == Side::Left)
                };
                (partition(here, goes_left), missing)
            };
            // The right child is not there yet.
            self.nodes.push(Node::Split { feature, threshold, missing, left: at + 1, right: at });
            let (middle, depth) = (range.start + n_left, depth + 1);
            let right = Pending { rows: middle..range.end, depth, n_varying, right_of: Some(at) };
            let left = Pending { rows: range.start..middle, depth, n_varying, right_of: None };
            pending.extend([right, left]);
        }
        self.nodes
    }

    /// A random feature among those that are not constant in `rows`, and a random threshold between
    /// its smallest and its largest value; both sides then have a row.
    fn choose(&mut self, rows: &[usize], mut n_varying: usize) -> Option<Choice> {
        while n_varying > 0 {
            let candidate = self.random.below(n_varying);
            let feature = self.features[candidate];
            let Spread { min, max, n_missing } = spread(self.columns.column(feature), rows);
            if min < max {
                let (low, high) = (f64::from(min), f64::from(max));
                let threshold = threshold_at_most(low + self.random.unit() * (high - low));
                let threshold = threshold.min(max);
                return Some(Choice { feature, threshold, is_complete: n_missing == 0, n_varying });
            }
            n_varying -= 1;
            self.features.swap(candidate, n_varying);
        }
        None
    }
}

/// How rows are split.
struct Choice {
    feature: usize,
    threshold: f32,
    /// Whether no row has a missing value.
    is_complete: bool,
    /// The number of features that were not found constant, which stand in front.
    n_varying: usize,
}

/// What the values of some rows are.
pub(super) struct Spread {
    /// Infinity if all are missing.
    pub(super) min: f32,
    /// Minus infinity if all are missing.
    pub(super) max: f32,
    n_missing: usize,
}

pub(super) fn spread(column: &[f32], rows: &[usize]) -> Spread {
    let mut spread = Spread { min: f32::INFINITY, max: f32::NEG_INFINITY, n_missing: 0 };
    for row in rows {
        let x = column[*row];
        // Nothing is below or above NaN.
        spread.min = if x < spread.min { x } else { spread.min };
        spread.max = if x > spread.max { x } else { spread.max };
        spread.n_missing += usize::from(x.is_nan());
    }
    spread
}

/// The side with more of the rows that have a value.
fn side_of_missing(column: &[f32], threshold: f32, rows: &[usize]) -> Side {
    let n_left = rows.iter().filter(|&&row| column[row] < threshold).count();
    let n_right = rows.iter().filter(|&&row| column[row] >= threshold).count();
    larger(n_left, n_right)
}

/// The side with more rows, right if there are as many.
fn larger(n_left: usize, n_right: usize) -> Side {
    if n_left > n_right { Side::Left } else { Side::Right }
}

/// Moves the rows that go left to the front and tells how many there are; without a jump that depends
/// on it.
fn partition(rows: &mut [usize], goes_left: impl Fn(usize) -> bool) -> usize {
    let mut n_left = 0;
    for at in 0..rows.len() {
        rows.swap(at, n_left);
        n_left += usize::from(goes_left(rows[n_left]));
    }
    n_left
}
