use super::Params;
use super::binned::Binned;
use super::histogram::{Gradient, Histogram};
use super::split::{Split, SplitFinder};
use crate::tree::{Node, NodeKind, Test, Tree};

/// Grows a tree level by level on the rows and features that it may see.
pub(super) fn grow(
    params: &Params,
    binned: &Binned,
    gradients: &[Gradient],
    rows: &mut [u32],
    features: &[usize],
) -> Tree {
    let finder = SplitFinder { params, binned };
    let total = rows.iter().fold(Gradient::default(), |sum, &row| sum + gradients[row as usize]);
    let mut nodes = vec![leaf(&finder, total)];
    let histogram = Histogram::of(binned, rows, gradients);
    let mut level = vec![Growing { node: 0, total, histogram, rows }];
    for depth in 1..=params.max_depth {
        let mut next = Vec::new();
        for growing in level {
            let Some(split) = finder.best(features, growing.total, &growing.histogram) else {
                continue;
            };
            let left = nodes.len();
            let right_total = growing.total - split.left;
            nodes.extend([leaf(&finder, split.left), leaf(&finder, right_total)]);
            nodes[growing.node].kind = split.kind(binned, left);
            // The children of the last level stay leaves.
            if depth < params.max_depth {
                next.extend(growing.divide(binned, gradients, &split, left));
            }
        }
        level = next;
    }
    Tree::new(nodes)
}

/// A leaf that may yet become a split.
struct Growing<'r> {
    node: usize,
    total: Gradient,
    histogram: Histogram,
    rows: &'r mut [u32],
}

impl Growing<'_> {
    /// The two children of a split, the left of which is the node at `left`.
    fn divide(
        self,
        binned: &Binned,
        gradients: &[Gradient],
        split: &Split,
        left: usize,
    ) -> [Self; 2] {
        let n_left = partition(self.rows, |row| split.goes_left(binned, row));
        let (left_rows, right_rows) = self.rows.split_at_mut(n_left);
        // Only the smaller child is counted; the other one is what remains.
        let is_left_smaller = left_rows.len() <= right_rows.len();
        let smaller = if is_left_smaller { &*left_rows } else { &*right_rows };
        let smaller = Histogram::of(binned, smaller, gradients);
        let larger = self.histogram.without(&smaller);
        let (left_histogram, right_histogram) =
            if is_left_smaller { (smaller, larger) } else { (larger, smaller) };
        [
            Growing { node: left, total: split.left, histogram: left_histogram, rows: left_rows },
            Growing {
                node: left + 1,
                total: self.total - split.left,
                histogram: right_histogram,
                rows: right_rows,
            },
        ]
    }
}

impl Split {
    fn goes_left(&self, binned: &Binned, row: u32) -> bool {
        let bin = binned.row(row)[self.feature] as usize;
        if bin == binned.missing(self.feature) { self.default_left } else { bin <= self.bin }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the format has 32 bits")]
    fn kind(&self, binned: &Binned, left: usize) -> NodeKind {
        NodeKind::Split {
            feature: self.feature as u32,
            test: Test::Below(binned.threshold(self.feature, self.bin)),
            default_left: self.default_left,
            left: left as u32,
            right: left as u32 + 1,
            gain: self.gain as f32,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the format has 32 bits")]
fn leaf(finder: &SplitFinder<'_>, total: Gradient) -> Node {
    let weight = finder.weight(total);
    let value = (weight * finder.params.learning_rate) as f32;
    Node::leaf(value, weight as f32, total.second as f32)
}

/// Moves the rows that go left to the front and returns their number.
fn partition(rows: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut n_left = 0;
    for index in 0..rows.len() {
        if goes_left(rows[index]) {
            rows.swap(n_left, index);
            n_left += 1;
        }
    }
    n_left
}
