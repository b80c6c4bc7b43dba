use std::ops::Range;

use super::Params;
use super::binned::Binned;
use super::columns::Columns;
use super::frontier::{Frontier, Open};
use super::histogram::{Gradient, Histogram, Sum};
use super::split::{Candidate, Split, SplitFinder};
use super::threads::Threads;
use super::weight::Bounds;
use crate::tree::{Node, NodeKind, Test, Tree};

/// A tree, and the rows that it was grown on, leaf by leaf.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) tree: Tree,
    rows: Vec<u32>,
    leaves: Vec<(usize, Range<usize>)>,
}

impl Grown {
    /// The rows of each leaf, and its value.
    pub(super) fn leaves(&self) -> impl Iterator<Item = (&[u32], f32)> {
        self.leaves.iter().map(|(node, rows)| {
            let NodeKind::Leaf { value } = self.tree.nodes[*node].kind else { unreachable!() };
            (&self.rows[rows.clone()], value)
        })
    }
}

/// Grows a tree on some rows, in the memory of the histograms of another.
pub(super) fn grow(
    params: &Params,
    binned: &Binned,
    gradients: &[Gradient],
    rows: Vec<u32>,
    columns: Columns<'_>,
    unused: &mut Vec<Histogram>,
    threads: Threads,
) -> Grown {
    let mut grower = Grower {
        params,
        finder: SplitFinder::new(params, binned),
        gradients,
        columns,
        rows,
        scratch: Vec::new(),
        nodes: Vec::new(),
        leaves: Vec::new(),
        frontier: Frontier::new(params.grow_policy),
        unused,
        threads,
    };
    grower.run();
    Grown { tree: Tree::new(grower.nodes), rows: grower.rows, leaves: grower.leaves }
}

/// A tree that grows.
struct Grower<'a> {
    params: &'a Params,
    finder: SplitFinder<'a>,
    gradients: &'a [Gradient],
    columns: Columns<'a>,
    // Those of a node stand together, ascending.
    rows: Vec<u32>,
    scratch: Vec<u32>,
    nodes: Vec<Node>,
    leaves: Vec<(usize, Range<usize>)>,
    frontier: Frontier,
    unused: &'a mut Vec<Histogram>,
    threads: Threads,
}

impl Grower<'_> {
    fn run(&mut self) {
        let total = self
            .rows
            .iter()
            .fold(Sum::default(), |sum, row| sum + Sum::from(self.gradients[*row as usize]));
        self.push_leaf(total, Bounds::NONE);
        let rows = 0..self.rows.len();
        let histogram = self.count(&rows);
        self.open(0, 0, total, Bounds::NONE, rows, histogram);
        while let Some(open) = self.frontier.pop() {
            // A node more than leaves and splits.
            let n_leaves = self.nodes.len().div_ceil(2);
            if self.params.max_leaves > 0 && n_leaves >= self.params.max_leaves {
                self.leaves.push((open.node, open.rows));
                self.unused.push(open.histogram);
            } else {
                self.split(open);
            }
        }
    }

    /// Makes a leaf a split.
    fn split(&mut self, Open { node, depth, bounds, histogram, rows, split }: Open) {
        let left = self.nodes.len();
        self.nodes[node].kind = kind(&split, self.finder.binned, left);
        for child in split.children {
            self.push_leaf(child, bounds);
        }
        let binned = self.finder.binned;
        let (node_rows, scratch) = (&mut self.rows[rows.clone()], &mut self.scratch);
        let n_left = binned.partition(&split, node_rows, scratch, self.threads);
        let middle = rows.start + n_left;
        let parts = [rows.start..middle, middle..rows.end];
        let is_last = self.params.max_depth > 0 && depth + 1 >= self.params.max_depth;
        let may_split = |child: Sum| !is_last && self.finder.weights.may_split(child);
        if !split.children.into_iter().any(may_split) {
            self.leaves.extend((left..).zip(parts));
            self.unused.push(histogram);
            return;
        }
        // Only the smaller child is counted; the other one is what remains.
        let is_left_smaller = parts[0].len() < parts[1].len();
        let smaller = self.count(&parts[usize::from(!is_left_smaller)]);
        let larger = histogram.without(&smaller);
        let histograms = if is_left_smaller { [smaller, larger] } else { [larger, smaller] };
        let [left_weight, right_weight] =
            split.children.map(|child| self.finder.weights.weight(child, bounds));
        let monotone = self.params.monotone(split.feature);
        let bounds = bounds.divide(monotone, left_weight, right_weight);
        for (child, (rows, histogram)) in parts.into_iter().zip(histograms).enumerate() {
            let total = split.children[child];
            self.open(left + child, depth + 1, total, bounds[child], rows, histogram);
        }
    }

    /// Looks for the split of a leaf.
    fn open(
        &mut self,
        node: usize,
        depth: usize,
        total: Sum,
        bounds: Bounds,
        rows: Range<usize>,
        histogram: Histogram,
    ) {
        let split = if self.finder.weights.may_split(total) {
            let features = self.columns.of_node(depth);
            self.finder.best(Candidate { total, bounds, histogram: &histogram }, &features)
        } else {
            None
        };
        if let Some(split) = split {
            self.frontier.push(Open { node, depth, bounds, histogram, rows, split });
        } else {
            self.leaves.push((node, rows));
            self.unused.push(histogram);
        }
    }

    fn push_leaf(&mut self, total: Sum, bounds: Bounds) {
        let weight = self.finder.weights.weight(total, bounds);
        #[expect(clippy::cast_possible_truncation, reason = "the format has 32 bits")]
        let leaf = Node::leaf(weight * self.params.learning_rate, weight, total.second as f32);
        self.nodes.push(leaf);
    }

    fn count(&mut self, rows: &Range<usize>) -> Histogram {
        let features = self.columns.of_tree();
        let (rows, unused) = (&self.rows[rows.clone()], self.unused.pop());
        let Self { gradients, threads, .. } = *self;
        Histogram::count(self.finder.binned, features, rows, gradients, unused, threads)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the format has 32 bits")]
fn kind(split: &Split, binned: &Binned, left: usize) -> NodeKind {
    NodeKind::Split {
        feature: split.feature as u32,
        test: Test::Below(binned.threshold(split.feature, split.n_left)),
        default_left: split.default_left,
        left: left as u32,
        right: left as u32 + 1,
        gain: split.gain,
    }
}
