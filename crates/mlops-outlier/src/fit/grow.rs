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
    let n_features = features.len();
    let mut grower = Grower { columns, random, features, max_depth, nodes: Vec::new() };
    let mut rows: Vec<usize> = (0..columns.n_rows()).collect();
    grower.grow(&mut rows, 0, n_features);
    grower.nodes
}

struct Grower<'c> {
    columns: &'c Columns,
    random: Random,
    // All features that the tree may split by, in the order that past choices left them in.
    features: Vec<usize>,
    max_depth: usize,
    nodes: Vec<Node<usize>>,
}

impl Grower<'_> {
    /// Appends the subtree of `rows`, in which all but the first `n_varying` features are known to be
    /// constant, and tells where it begins.
    fn grow(&mut self, rows: &mut [usize], depth: usize, n_varying: usize) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf { value: rows.len() });
        if depth < self.max_depth
            && let Some(Choice { feature, threshold, is_complete, n_varying }) =
                self.choose(rows, n_varying)
        {
            let column = self.columns.column(feature);
            let (n_left, missing) = if is_complete {
                let n_left = partition(rows, |row| column[row] < threshold);
                (n_left, larger(n_left, rows.len() - n_left))
            } else {
                let missing = side_of_missing(column, threshold, rows);
                let goes_left = |row: usize| {
                    let x = column[row];
                    x < threshold || (x.is_nan() && missing == Side::Left)
                };
                (partition(rows, goes_left), missing)
            };
            let (left, right) = rows.split_at_mut(n_left);
            let left = self.grow(left, depth + 1, n_varying);
            let right = self.grow(right, depth + 1, n_varying);
            self.nodes[at] = Node::Split { feature, threshold, missing, left, right };
        }
        at
    }

    /// A random feature among those that are not constant in `rows`, and a random threshold between
    /// its smallest and its largest value; both sides then have a row.
    fn choose(&mut self, rows: &[usize], mut n_varying: usize) -> Option<Choice> {
        while n_varying > 0 {
            let candidate = self.random.below(n_varying);
            let feature = self.features[candidate];
            let Range { min, max, n_missing } = range(self.columns.column(feature), rows);
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
pub(super) struct Range {
    /// Infinity if all are missing.
    pub(super) min: f32,
    /// Minus infinity if all are missing.
    pub(super) max: f32,
    n_missing: usize,
}

pub(super) fn range(column: &[f32], rows: &[usize]) -> Range {
    let mut range = Range { min: f32::INFINITY, max: f32::NEG_INFINITY, n_missing: 0 };
    for row in rows {
        let x = column[*row];
        // Nothing is below or above NaN.
        range.min = if x < range.min { x } else { range.min };
        range.max = if x > range.max { x } else { range.max };
        range.n_missing += usize::from(x.is_nan());
    }
    range
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
