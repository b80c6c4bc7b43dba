use std::borrow::Cow;

use super::NO_CHILD;
use crate::Error;
use crate::tree::{Node, NodeKind, Test, Tree};

/// The arrays of a tree in a file, one entry per node.
#[derive(Debug)]
pub(super) struct Arrays<'a> {
    pub(super) left: Cow<'a, [i64]>,
    pub(super) right: Cow<'a, [i64]>,
    pub(super) features: Cow<'a, [i64]>,
    pub(super) default_left: Cow<'a, [i64]>,
    /// The threshold of a split, or the value of a leaf.
    pub(super) conditions: Cow<'a, [f32]>,
    pub(super) weights: Cow<'a, [f32]>,
    pub(super) gains: Cow<'a, [f32]>,
    pub(super) hessians: Cow<'a, [f32]>,
    /// The position of the categories of each split by category in the list of all.
    pub(super) categorical: Vec<Option<u32>>,
    pub(super) categories: Vec<Box<[u32]>>,
    pub(super) vectors: Vectors<'a>,
}

/// Where the values of leaves with a value per output stand.
#[derive(Debug)]
pub(super) enum Vectors<'a> {
    /// Leaves are numbers.
    None,
    /// Among the weights, with a vector for every node: XGBoost 2.0 to 3.1.
    Nodes { size: usize },
    /// In an array of their own, with a vector for every leaf: XGBoost from 3.2.
    Leaves { size: usize, values: Cow<'a, [f32]> },
}

impl Arrays<'_> {
    /// The tree at position `index`.
    pub(super) fn tree(&self, index: usize, n_nodes: usize) -> Result<Tree, Error> {
        let lengths =
            [self.left.len(), self.right.len(), self.features.len(), self.default_left.len()];
        let statistics = [self.conditions.len(), self.gains.len(), self.hessians.len()];
        let n_weights = match self.vectors {
            Vectors::None => n_nodes,
            Vectors::Nodes { size } | Vectors::Leaves { size, .. } => n_nodes.saturating_mul(size),
        };
        let fit = lengths.into_iter().chain(statistics).all(|length| length == n_nodes);
        if !fit || self.weights.len() != n_weights || self.categorical.len() != n_nodes {
            return Err(Error::Tree { tree: index, problem: "its arrays differ in length" });
        }
        let mut vectors = match &self.vectors {
            Vectors::Leaves { size, values } if values.len() % size == 0 => values.to_vec(),
            Vectors::Leaves { .. } => {
                let problem = "its last vector breaks off";
                return Err(Error::Tree { tree: index, problem });
            }
            Vectors::None | Vectors::Nodes { .. } => Vec::new(),
        };
        let nodes = (0..n_nodes).map(|at| self.node(index, at, &mut vectors));
        let nodes = Tree::reachable(nodes.collect::<Result<_, Error>>()?);
        let problem = "its links do not make a tree";
        let nodes = nodes.ok_or(Error::Tree { tree: index, problem })?;
        Ok(Tree { nodes, categories: self.categories.clone(), vectors }.with_categories_in_order())
    }

    fn node(&self, tree: usize, at: usize, vectors: &mut Vec<f32>) -> Result<Node, Error> {
        let out_of_range = || Error::Tree { tree, problem: "a child or a feature is out of range" };
        let link = |value: i64| u32::try_from(value).map_err(|_| out_of_range());
        let kind = if self.left[at] == NO_CHILD {
            self.leaf(at, vectors).ok_or_else(out_of_range)?
        } else {
            let threshold = || Test::Below(self.conditions[at]);
            NodeKind::Split {
                feature: link(self.features[at])?,
                test: self.categorical[at].map_or_else(threshold, Test::NotIn),
                default_left: self.default_left[at] != 0,
                left: link(self.left[at])?,
                right: link(self.right[at])?,
                gain: self.gains[at],
            }
        };
        let weight = match self.vectors {
            Vectors::None => self.weights[at],
            // They are vectors, too, and no prediction needs them.
            Vectors::Nodes { .. } | Vectors::Leaves { .. } => 0.0,
        };
        let id = u32::try_from(at).map_err(|_| out_of_range())?;
        Ok(Node { kind, weight, hessian: self.hessians[at], id })
    }

    /// A leaf, if its vector is there; one that stands at the node is added to `vectors`.
    fn leaf(&self, at: usize, vectors: &mut Vec<f32>) -> Option<NodeKind> {
        let vector = match &self.vectors {
            Vectors::None => return Some(NodeKind::Leaf { value: self.conditions[at] }),
            Vectors::Nodes { size } => {
                let position = vectors.len() / size;
                vectors.extend(part(&self.weights, at, *size)?);
                position
            }
            Vectors::Leaves { size, values } => {
                let position = usize::try_from(self.right[at]).ok()?;
                part(values, position, *size).map(|_| position)?
            }
        };
        Some(NodeKind::VectorLeaf { vector: u32::try_from(vector).ok()? })
    }
}

/// The vector at `position` among vectors of `size`.
fn part(values: &[f32], position: usize, size: usize) -> Option<&[f32]> {
    let start = position.checked_mul(size)?;
    values.get(start..start.checked_add(size)?)
}
