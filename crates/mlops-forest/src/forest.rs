use crate::builder::CompiledTree;
use crate::group::{Group, LANES};
use crate::plain::{PlainNode, PlainTrees};
use crate::rank::Rank;
use crate::ranked::{RankedTrees, thresholds};
use crate::{ForestBuilder, Rows};

/// Trees that were checked and compiled: hands out the leaf values that a row ends at.
///
/// `V` is the type of a leaf value, such as `f32` for gradient boosting and `f64` for isolation
/// forests.
#[derive(Clone, Debug)]
pub struct Forest<V> {
    n_features: usize,
    n_trees: usize,
    groups: Vec<Group>,
    // Invariant: every step from a node leads to a node.
    trees: Trees,
    // One per node; only those of leaves are ever read.
    values: Vec<V>,
}

/// How nodes are stored: as small as the forest allows, which is what makes walking fast.
#[derive(Clone, Debug)]
enum Trees {
    Narrow(RankedTrees<u8, { <u8 as Rank>::SLOTS }>),
    Wide(RankedTrees<u16, { <u16 as Rank>::SLOTS }>),
    Plain(PlainTrees),
}

/// The rows of a block, a multiple of what the widest vectors compare at once.
pub(crate) const BLOCK: usize = 64;

impl<V: Copy + Default> Forest<V> {
    /// Starts a forest whose rows have `n_features` values.
    ///
    /// # Examples
    /// ```
    /// use mlops_forest::{Forest, Node};
    ///
    /// let forest = Forest::builder(12).tree(vec![Node::Leaf { value: 0.5 }]).build()?;
    /// assert_eq!(forest.n_trees(), 1);
    /// # let _: Forest<f32> = forest;
    /// # Ok::<(), mlops_forest::Error>(())
    /// ```
    pub fn builder(n_features: usize) -> ForestBuilder<V> {
        ForestBuilder::new(n_features)
    }

    pub(crate) fn new(
        n_features: usize,
        nodes: Vec<PlainNode>,
        values: Vec<V>,
        trees: &[CompiledTree],
    ) -> Self {
        let (n_trees, groups) = (trees.len(), Group::all(trees));
        let thresholds = thresholds(&nodes);
        let narrow = RankedTrees::new(&nodes, &groups, &thresholds).map(Trees::Narrow);
        let wide = || RankedTrees::new(&nodes, &groups, &thresholds).map(Trees::Wide);
        let trees = narrow.or_else(wide);
        let trees = trees.unwrap_or_else(|| Trees::Plain(PlainTrees::new(nodes)));
        Self { n_features, n_trees, groups, trees, values }
    }

    /// The number of values in a row.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The number of trees.
    pub fn n_trees(&self) -> usize {
        self.n_trees
    }

    /// How values are compared, to be told beside a measurement: `8-bit ranks`, `16-bit ranks` or
    /// `32-bit thresholds`. Leaves do not depend on it.
    pub fn engine(&self) -> &'static str {
        match self.trees {
            Trees::Narrow(_) => "8-bit ranks",
            Trees::Wide(_) => "16-bit ranks",
            Trees::Plain(_) => "32-bit thresholds",
        }
    }

    /// How many rows are worth walking together: more at once take no less time each.
    pub fn block(&self) -> usize {
        match self.trees {
            Trees::Narrow(_) | Trees::Wide(_) => BLOCK,
            Trees::Plain(_) => 1,
        }
    }

    /// The bytes that the compiled trees take.
    pub fn n_bytes(&self) -> usize {
        let trees = match &self.trees {
            Trees::Narrow(trees) => trees.n_bytes(),
            Trees::Wide(trees) => trees.n_bytes(),
            Trees::Plain(trees) => trees.n_bytes(),
        };
        trees + size_of_val(&*self.groups) + size_of_val(&*self.values)
    }

    /// Room for rows of this forest, which grows if there are more than `capacity`.
    ///
    /// # Panics
    /// If there is no memory for so many.
    pub fn rows(&self, capacity: usize) -> Rows {
        Rows::new(self.n_features, capacity)
    }

    /// Hands `visit` the position of a row, that of a tree, and the values of the leaves at which the
    /// row ends in this tree and the next ones, until every row has met every tree. The trees of one
    /// row come in their order, a few at a time; several rows in turn.
    ///
    /// Allocates nothing. Takes time in proportion to the number of trees and, within each eight
    /// consecutive ones, to the depth of the deepest. [`block`](Self::block) rows at once take least.
    ///
    /// # Examples
    /// ```
    /// use mlops_forest::{Forest, Node};
    ///
    /// let leaf = |value| vec![Node::Leaf { value }];
    /// let forest = Forest::builder(1).tree(leaf(0.5)).tree(leaf(0.25)).build()?;
    /// let mut rows = forest.rows(2);
    /// rows.push(&[1.0]);
    /// rows.push(&[f64::NAN]);
    /// let mut sums = [0.0; 2];
    /// forest.for_each_leaf(&rows, |row, _tree, leaves| {
    ///     for leaf in leaves {
    ///         sums[row] += leaf;
    ///     }
    /// });
    /// assert_eq!(sums, [0.75; 2]);
    /// # Ok::<(), mlops_forest::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `rows` was made by a forest with another number of features.
    #[track_caller]
    pub fn for_each_leaf(&self, rows: &Rows, mut visit: impl FnMut(usize, usize, &[V])) {
        let fits = rows.n_features() == self.n_features;
        assert!(fits, "rows are scored by the forest that they are made for");
        for first in (0..rows.len()).step_by(BLOCK) {
            let block = first..rows.len().min(first + BLOCK);
            let visit = |group: &Group, row, nodes: [u32; LANES]| {
                let leaves = nodes.map(|node| self.values[node as usize]);
                visit(row, group.first, &leaves[..group.n_trees]);
            };
            match &self.trees {
                Trees::Narrow(trees) => trees.walk(&self.groups, rows, block, visit),
                Trees::Wide(trees) => trees.walk(&self.groups, rows, block, visit),
                Trees::Plain(trees) => trees.walk(&self.groups, rows, block, visit),
            }
        }
    }
}

#[cfg(test)]
mod tests;
