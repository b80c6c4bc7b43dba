/// Why trees cannot be compiled into a forest.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tree has no nodes, not even a root.
    #[error("tree {tree} has no nodes, expected at least a root")]
    EmptyTree {
        /// The tree, counted from 0.
        tree: usize,
    },
    /// A child of a split is no node of the tree.
    #[error(
        "tree {tree}, node {node}: child {child} is out of range, the tree has {n_nodes} nodes"
    )]
    ChildOutOfRange {
        /// The tree, counted from 0.
        tree: usize,
        /// The split, counted from 0.
        node: usize,
        /// The position that the split names.
        child: usize,
        /// The number of nodes of the tree.
        n_nodes: usize,
    },
    /// Two ways lead from the root to a node: the nodes form a cycle or share a part.
    #[error("tree {tree}, node {node}: two ways lead to it, expected one")]
    NodeReachedTwice {
        /// The tree, counted from 0.
        tree: usize,
        /// The node, counted from 0.
        node: usize,
    },
    /// A split reads a feature that the forest does not have.
    #[error(
        "tree {tree}, node {node}: feature {feature} is out of range, the forest has {n_features}"
    )]
    FeatureOutOfRange {
        /// The tree, counted from 0.
        tree: usize,
        /// The split, counted from 0.
        node: usize,
        /// The feature that the split names.
        feature: usize,
        /// The number of features of the forest.
        n_features: usize,
    },
    /// A split's threshold is NaN or minus infinity.
    #[error(
        "tree {tree}, node {node}: threshold {threshold}, expected a number above minus infinity"
    )]
    InvalidThreshold {
        /// The tree, counted from 0.
        tree: usize,
        /// The split, counted from 0.
        node: usize,
        /// The threshold.
        threshold: f32,
    },
    /// There are more features than 32-bit indices can tell apart.
    #[error("{n_features} features, expected at most 2^31 - 1")]
    TooManyFeatures {
        /// The number of features.
        n_features: usize,
    },
    /// All trees together have more nodes than 32-bit indices can tell apart.
    #[error("tree {tree}: more than 2^32 - 1 nodes in all trees up to here")]
    TooManyNodes {
        /// The tree at which the nodes became too many, counted from 0.
        tree: usize,
    },
}
