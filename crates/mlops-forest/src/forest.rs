use crate::builder::CompiledTree;
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
    nodes: Vec<CompiledNode>,
    // One per node; only those of leaves are ever read.
    values: Vec<V>,
    groups: Vec<Group>,
}

/// How many trees are walked in step: as many as hide the time that each waits for its next node.
const LANES: usize = 8;

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
    threshold: f32,
    slot: u32,
    // The right child stands behind the left one.
    left: u32,
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
        Self { n_features, n_trees: trees.len(), nodes, values, groups }
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
    /// Allocates nothing. Takes time in proportion to the number of trees and, within each eight
    /// consecutive ones, to the depth of the deepest.
    ///
    /// # Panics
    /// If `row` was made by a forest with another number of features.
    #[track_caller]
    pub fn for_each_leaf(&self, row: &Row, mut visit: impl FnMut(V)) {
        assert_eq!(
            row.n_features(),
            self.n_features,
            "a row is scored by the forest it is made for"
        );
        let slots = row.slots();
        for group in &self.groups {
            for &node in &self.walk(group, slots)[..group.n_trees] {
                visit(self.values[node as usize]);
            }
        }
    }

    /// The leaves at which the trees of a group end.
    fn walk(&self, group: &Group, slots: &[f32]) -> [u32; LANES] {
        let mut lanes = group.roots;
        for _ in 0..group.depth {
            for lane in &mut lanes {
                *lane = self.nodes[*lane as usize].next(slots);
            }
        }
        lanes
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

    fn next(self, slots: &[f32]) -> u32 {
        let left = slots[self.slot as usize] < self.threshold;
        self.left + u32::from(!left)
    }
}

#[cfg(test)]
mod tests;
