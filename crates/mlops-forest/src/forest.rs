use crate::builder::CompiledTree;
use crate::ranked::{RankedTrees, SLOTS};
use crate::{ForestBuilder, Row};

/// Trees that were checked and compiled: hands out the leaf values that a row ends at.
///
/// `V` is the type of a leaf value, such as `f32` for gradient boosting and `f64` for isolation
/// forests.
#[derive(Clone, Debug)]
pub struct Forest<V> {
    n_features: usize,
    n_trees: usize,
    // Invariant: every step from a node leads to a node.
    trees: Trees,
    // One per node; only those of leaves are ever read.
    values: Vec<V>,
    groups: Vec<Group>,
}

/// How nodes are stored: as small as the forest allows.
#[derive(Clone, Debug)]
enum Trees {
    Ranked(RankedTrees),
    Plain(Vec<CompiledNode>),
}

/// How many trees are walked in step: as many as hide the time that each waits for its next node.
const LANES: usize = 16;
/// How many rows are walked through a group of trees before the next group: as many as keep the
/// group's nodes in the nearest cache worth while.
const ROWS: usize = 64;

/// Consecutive trees that are walked in step.
#[derive(Clone, Debug)]
struct Group {
    // A last group that is not full repeats its last tree.
    roots: [u32; LANES],
    n_trees: usize,
    depth: usize,
}

/// A split or a leaf; both are stepped from in the same way, without a branch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompiledNode {
    pub(crate) threshold: f32,
    pub(crate) slot: u32,
    // The right child stands behind the left one.
    pub(crate) left: u32,
}

impl<V: Copy + Default> Forest<V> {
    /// Starts a forest whose rows have `n_features` values.
    ///
    /// # Examples
    /// ```
    /// use mlops_forest::{Forest, Node};
    ///
    /// let forest = Forest::builder(12).tree(vec![Node::Leaf { value: 0.5 }]).build()?;
    /// let mut leaves = Vec::new();
    /// forest.for_each_leaf(&forest.row(), |value: f32| leaves.push(value));
    /// assert_eq!(leaves, [0.5]);
    /// # Ok::<(), mlops_forest::Error>(())
    /// ```
    pub fn builder(n_features: usize) -> ForestBuilder<V> {
        ForestBuilder::new(n_features)
    }

    pub(crate) fn new(
        n_features: usize,
        nodes: Vec<CompiledNode>,
        values: Vec<V>,
        trees: &[CompiledTree],
    ) -> Self {
        let groups = trees.chunks(LANES).map(Group::new).collect();
        let n_trees = trees.len();
        let trees = match RankedTrees::new(&nodes, n_features) {
            Some(ranked) => Trees::Ranked(ranked),
            None => Trees::Plain(nodes),
        };
        Self { n_features, n_trees, trees, values, groups }
    }

    /// The number of values in a row.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The number of trees.
    pub fn n_trees(&self) -> usize {
        self.n_trees
    }

    /// Scratch space for rows of this forest; one per thread is enough for any number of rows.
    pub fn row(&self) -> Row {
        Row::new(self.n_features)
    }

    /// Hands `visit` the value of the leaf that `row` ends at in each tree, in tree order.
    ///
    /// Allocates nothing. Takes time in proportion to the number of trees and, within each sixteen
    /// consecutive ones, to the depth of the deepest.
    ///
    /// # Panics
    /// If `row` was made by a forest with another number of features.
    #[track_caller]
    pub fn for_each_leaf(&self, row: &Row, mut visit: impl FnMut(V)) {
        self.check(std::slice::from_ref(row));
        self.walk_block::<1>(std::slice::from_ref(row), |_, _, leaves| {
            for leaf in leaves {
                visit(*leaf);
            }
        });
    }

    /// Hands `visit` the position of a row, that of a tree, and the values of the leaves at which the
    /// row ends in this tree and the next ones, until every row has met every tree. The trees of one
    /// row come in their order, a few at a time; several rows in turn.
    ///
    /// Faster than row by row where there are many. Allocates nothing.
    ///
    /// # Examples
    /// ```
    /// use mlops_forest::{Forest, Node};
    ///
    /// let leaf = |value| vec![Node::Leaf { value }];
    /// let forest = Forest::builder(1).tree(leaf(0.5)).tree(leaf(0.25)).build()?;
    /// let rows = [forest.row(), forest.row()];
    /// let mut sums = [0.0; 2];
    /// forest.for_each_leaf_of(&rows, |row, _tree, leaves| {
    ///     for leaf in leaves {
    ///         sums[row] += leaf;
    ///     }
    /// });
    /// assert_eq!(sums, [0.75; 2]);
    /// # Ok::<(), mlops_forest::Error>(())
    /// ```
    ///
    /// # Panics
    /// If a row was made by a forest with another number of features.
    #[track_caller]
    pub fn for_each_leaf_of(&self, rows: &[Row], mut visit: impl FnMut(usize, usize, &[V])) {
        self.check(rows);
        for (block, rows) in rows.chunks(ROWS).enumerate() {
            let visit = |row, tree, leaves: &[V]| visit(block * ROWS + row, tree, leaves);
            match rows {
                [_] => self.walk_block::<1>(rows, visit),
                _ => self.walk_block::<ROWS>(rows, visit),
            }
        }
    }

    #[track_caller]
    fn check(&self, rows: &[Row]) {
        let fits = |row: &Row| row.n_features() == self.n_features;
        assert!(rows.iter().all(fits), "a row is scored by the forest it is made for");
    }

    /// Walks at most `N` rows.
    fn walk_block<const N: usize>(&self, rows: &[Row], visit: impl FnMut(usize, usize, &[V])) {
        match &self.trees {
            Trees::Ranked(trees) => {
                let mut ranks = [[0; SLOTS]; N];
                for (ranks, row) in ranks.iter_mut().zip(rows) {
                    *ranks = trees.ranks(row.slots());
                }
                self.walk(rows.len(), |nodes, row| trees.step(nodes, &ranks[row]), visit);
            }
            Trees::Plain(nodes) => {
                let step = |lanes: &mut [u32; LANES], row: usize| {
                    let slots = rows[row].slots();
                    for lane in lanes {
                        *lane = nodes[*lane as usize].next(slots);
                    }
                };
                self.walk(rows.len(), step, visit);
            }
        }
    }

    /// Walks all rows through one group of trees after the other.
    fn walk(
        &self,
        n_rows: usize,
        step: impl Fn(&mut [u32; LANES], usize),
        mut visit: impl FnMut(usize, usize, &[V]),
    ) {
        for (first, group) in (0..).step_by(LANES).zip(&self.groups) {
            for row in 0..n_rows {
                let mut nodes = group.roots;
                for _ in 0..group.depth {
                    step(&mut nodes, row);
                }
                let leaves = nodes.map(|node| self.values[node as usize]);
                visit(row, first, &leaves[..group.n_trees]);
            }
        }
    }
}

impl Group {
    fn new(trees: &[CompiledTree]) -> Self {
        let n_trees = trees.len();
        Self {
            roots: std::array::from_fn(|lane| trees[lane.min(n_trees - 1)].root),
            n_trees,
            depth: trees.iter().map(|tree| tree.depth).max().unwrap_or(0),
        }
    }
}

impl CompiledNode {
    pub(crate) fn split(slot: u32, threshold: f32, left: u32) -> Self {
        Self { threshold, slot, left }
    }

    /// The leaf at `position`, which is not 0: no value is below NaN, so every row steps to the
    /// right of the position before, which is the leaf itself.
    pub(crate) fn leaf(position: u32) -> Self {
        Self { threshold: f32::NAN, slot: 0, left: position - 1 }
    }

    pub(crate) fn is_leaf(self) -> bool {
        self.threshold.is_nan()
    }

    fn next(self, slots: &[f32]) -> u32 {
        let left = slots[self.slot as usize] < self.threshold;
        self.left + u32::from(!left)
    }
}

#[cfg(test)]
mod tests;
