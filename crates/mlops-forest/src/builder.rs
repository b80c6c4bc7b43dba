use std::collections::VecDeque;

use crate::plain::PlainNode;
use crate::{Error, Forest, Node, Side};

/// Collects trees and compiles them into a [`Forest`]; made by [`Forest::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ForestBuilder<V> {
    n_features: usize,
    trees: Vec<Vec<Node<V>>>,
}

impl<V: Copy + Default> ForestBuilder<V> {
    pub(crate) fn new(n_features: usize) -> Self {
        Self { n_features, trees: Vec::new() }
    }

    /// Adds a tree, whose root is the first node.
    pub fn tree(mut self, nodes: Vec<Node<V>>) -> Self {
        self.trees.push(nodes);
        self
    }

    /// Checks all trees and compiles them. A forest without trees is one without leaves.
    ///
    /// Takes time and memory in proportion to the number of nodes, however deep the trees are.
    ///
    /// # Errors
    /// * [`Error::EmptyTree`] if a tree has no nodes
    /// * [`Error::ChildOutOfRange`] if a split names a child that the tree does not have
    /// * [`Error::NodeReachedTwice`] if the nodes form a cycle or two splits share a child
    /// * [`Error::FeatureOutOfRange`] if a split names a feature that the forest does not have
    /// * [`Error::InvalidThreshold`] if a threshold is NaN, or minus infinity, which stands for a
    ///   missing value that goes left
    /// * [`Error::TooManyFeatures`] or [`Error::TooManyNodes`] if indices do not fit 32 bits
    pub fn build(self) -> Result<Forest<V>, Error> {
        if self.n_features > (u32::MAX / 2) as usize {
            return Err(Error::TooManyFeatures { n_features: self.n_features });
        }
        let mut compiler = Compiler::new(self.n_features);
        for (tree, nodes) in self.trees.iter().enumerate() {
            compiler.compile(tree, nodes)?;
        }
        let Compiler { nodes, values, trees, .. } = compiler;
        Ok(Forest::new(self.n_features, nodes, values, &trees))
    }
}

/// Where a compiled tree begins and how many splits its longest way has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompiledTree {
    pub(crate) root: u32,
    pub(crate) depth: usize,
}

struct Compiler<V> {
    n_features: usize,
    nodes: Vec<PlainNode>,
    // One per node; only those of leaves are ever read.
    values: Vec<V>,
    trees: Vec<CompiledTree>,
}

/// A node that a split of the level above has led to.
struct Reached {
    node: usize,
    position: u32,
    depth: usize,
}

impl<V: Copy + Default> Compiler<V> {
    fn new(n_features: usize) -> Self {
        // A leaf points at the position before its own, so no node may stand at position 0.
        let pad = PlainNode::leaf(1);
        Self { n_features, nodes: vec![pad], values: vec![V::default()], trees: Vec::new() }
    }

    /// Lays the nodes of a tree out level by level, siblings side by side.
    fn compile(&mut self, tree: usize, nodes: &[Node<V>]) -> Result<(), Error> {
        if nodes.is_empty() {
            return Err(Error::EmptyTree { tree });
        }
        let root = self.allocate(tree, 1)?;
        let mut depth = 0;
        let mut seen = vec![false; nodes.len()];
        seen[0] = true;
        let mut pending = VecDeque::from([Reached { node: 0, position: root, depth: 0 }]);
        while let Some(reached) = pending.pop_front() {
            let Reached { node, position, .. } = reached;
            depth = reached.depth;
            match nodes[node] {
                Node::Leaf { value } => {
                    self.nodes[position as usize] = PlainNode::leaf(position);
                    self.values[position as usize] = value;
                }
                Node::Split { feature, threshold, missing, left, right } => {
                    let slot = self.slot(tree, node, feature, missing)?;
                    if threshold.is_nan() || threshold == f32::NEG_INFINITY {
                        return Err(Error::InvalidThreshold { tree, node, threshold });
                    }
                    let children = self.allocate(tree, 2)?;
                    self.nodes[position as usize] = PlainNode::split(slot, threshold, children);
                    for (child, position) in [(left, children), (right, children + 1)] {
                        let n_nodes = nodes.len();
                        let seen = seen.get_mut(child).ok_or(Error::ChildOutOfRange {
                            tree,
                            node,
                            child,
                            n_nodes,
                        })?;
                        if *seen {
                            return Err(Error::NodeReachedTwice { tree, node: child });
                        }
                        *seen = true;
                        pending.push_back(Reached { node: child, position, depth: depth + 1 });
                    }
                }
            }
        }
        // Nodes come out level by level, so the last one is a deepest one.
        self.trees.push(CompiledTree { root, depth });
        Ok(())
    }

    /// The place in [`Rows`](crate::Rows) where a split finds its value.
    fn slot(&self, tree: usize, node: usize, feature: usize, missing: Side) -> Result<u32, Error> {
        let side = match missing {
            Side::Right => 0,
            Side::Left => 1,
        };
        let n_features = self.n_features;
        u32::try_from(feature)
            .ok()
            .filter(|_| feature < n_features)
            .map(|feature| 2 * feature + side)
            .ok_or(Error::FeatureOutOfRange { tree, node, feature, n_features })
    }

    /// Makes room for `count` nodes that stand side by side and tells the position of the first.
    fn allocate(&mut self, tree: usize, count: u32) -> Result<u32, Error> {
        let n_nodes = self.nodes.len();
        let first = first_position(n_nodes, count).ok_or(Error::TooManyNodes { tree })?;
        self.nodes.resize(n_nodes + count as usize, PlainNode::leaf(first));
        self.values.resize(self.nodes.len(), V::default());
        Ok(first)
    }
}

/// The position of the first of `count` new nodes, if those of all of them fit 32 bits.
fn first_position(n_nodes: usize, count: u32) -> Option<u32> {
    u32::try_from(n_nodes).ok().filter(|first| first.checked_add(count).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(feature: usize, threshold: f32, left: usize, right: usize) -> Node<f64> {
        Node::Split { feature, threshold, missing: Side::Left, left, right }
    }

    fn leaf(value: f64) -> Node<f64> {
        Node::Leaf { value }
    }

    /// The error of a forest of two features whose second tree is made of `nodes`.
    fn error(nodes: Vec<Node<f64>>) -> Error {
        Forest::builder(2).tree(vec![leaf(0.0)]).tree(nodes).build().unwrap_err()
    }

    #[test]
    fn a_tree_needs_a_root() {
        assert_eq!(error(vec![]), Error::EmptyTree { tree: 1 });
    }

    #[test]
    fn children_are_nodes_of_the_tree() {
        let expected = Error::ChildOutOfRange { tree: 1, node: 0, child: 2, n_nodes: 2 };
        assert_eq!(error(vec![split(0, 1.0, 1, 2), leaf(0.0)]), expected);
    }

    #[test]
    fn cycles_and_shared_nodes_are_refused() {
        let expected = |node| Error::NodeReachedTwice { tree: 1, node };
        assert_eq!(error(vec![split(0, 1.0, 0, 1), leaf(0.0)]), expected(0));
        assert_eq!(error(vec![split(0, 1.0, 1, 1), leaf(0.0)]), expected(1));
        let cycle = vec![split(0, 1.0, 1, 2), split(1, 1.0, 3, 0), leaf(0.0), leaf(0.0)];
        assert_eq!(error(cycle), expected(0));
        let shared = vec![split(0, 1.0, 1, 2), split(1, 1.0, 2, 3), leaf(0.0), leaf(0.0)];
        assert_eq!(error(shared), expected(2));
    }

    #[test]
    fn features_are_those_of_the_forest() {
        let expected =
            |feature| Error::FeatureOutOfRange { tree: 1, node: 0, feature, n_features: 2 };
        for feature in [2, usize::MAX] {
            let nodes = vec![split(feature, 1.0, 1, 2), leaf(0.0), leaf(0.0)];
            assert_eq!(error(nodes), expected(feature));
        }
        let none = Forest::builder(0).tree(vec![split(0, 1.0, 1, 2), leaf(0.0), leaf(0.0)]);
        assert!(matches!(none.build(), Err(Error::FeatureOutOfRange { n_features: 0, .. })));
    }

    #[test]
    fn thresholds_are_above_minus_infinity() {
        for threshold in [f32::NAN, f32::NEG_INFINITY] {
            let nodes = vec![split(0, threshold, 1, 2), leaf(0.0), leaf(0.0)];
            assert!(matches!(error(nodes), Error::InvalidThreshold { tree: 1, node: 0, .. }));
        }
    }

    #[test]
    fn sizes_fit_32_bits() {
        let n_features = 1 << 31;
        let forest = Forest::<f64>::builder(n_features).build();
        assert_eq!(forest.unwrap_err(), Error::TooManyFeatures { n_features });
        Forest::<f64>::builder(n_features - 1).build().unwrap();
        let largest = u32::MAX as usize;
        assert_eq!(first_position(largest - 2, 2), Some(u32::MAX - 2));
        assert_eq!(first_position(largest - 1, 2), None);
        assert_eq!(first_position(largest + 1, 1), None);
    }

    #[test]
    fn errors_say_where() {
        let text = error(vec![split(7, 1.0, 1, 2)]).to_string();
        assert_eq!(text, "tree 1, node 0: feature 7 is out of range, the forest has 2");
    }
}
