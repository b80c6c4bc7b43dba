use mlops_forest::{Error as ForestError, Forest, Node};

use crate::tree::{Tree, path_length};

/// The ways from the leaves of a forest back to the roots of their trees.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    // Finds the leaves of a row, which are counted through all trees.
    forest: Forest<u32>,
    // The steps that end at each leaf, the number of which fits 32 bits.
    leaves: Vec<u32>,
    steps: Vec<Step>,
    mean_sum: f64,
    longest: u32,
}

/// How a node is reached from its parent; nodes of all trees stand one after the other.
#[derive(Clone, Copy, Debug)]
struct Step {
    // That of a root is its own.
    parent: u32,
    // Of the split of the parent.
    feature: u32,
    // The number of splits above.
    depth: u32,
    // The mean path length of the training rows that come to the node.
    mean: f64,
}

impl Ways {
    pub(crate) fn new(n_features: usize, trees: &[Tree]) -> Result<Self, ForestError> {
        let mut builder = Forest::builder(n_features);
        let (mut leaves, mut steps) = (Vec::new(), Vec::new());
        let mut mean_sum = 0.0;
        for (index, tree) in trees.iter().enumerate() {
            let too_many = ForestError::TooManyNodes { tree: index };
            let n_nodes = steps.len() + tree.nodes().len();
            u32::try_from(n_nodes).map_err(|_| too_many)?;
            let first = steps.len();
            steps.extend(steps_of(tree, position(first)));
            mean_sum += steps[first].mean;
            builder = builder.tree(tree.with_leaves(|at, _| {
                leaves.push(position(first + at));
                position(leaves.len() - 1)
            }));
        }
        let longest = steps.iter().map(|step: &Step| step.depth).max().unwrap_or(0);
        Ok(Self { forest: builder.build()?, leaves, steps, mean_sum, longest })
    }

    /// The trees, which end each way at the number of its leaf.
    pub(crate) fn forest(&self) -> &Forest<u32> {
        &self.forest
    }

    /// The number of leaves of all trees.
    pub(crate) fn n_leaves(&self) -> usize {
        self.leaves.len()
    }

    /// The mean path length of the training rows of a tree, summed over the trees.
    pub(crate) fn mean_sum(&self) -> f64 {
        self.mean_sum
    }

    /// The number of splits above the deepest leaf.
    pub(crate) fn longest(&self) -> u32 {
        self.longest
    }

    /// The number of splits above a leaf.
    pub(crate) fn depth(&self, leaf: usize) -> u32 {
        self.steps[self.leaves[leaf] as usize].depth
    }

    /// Hands `visit` the feature of each split above a leaf, and what the step down from it adds to the
    /// mean path length, from the leaf up.
    pub(crate) fn climb(&self, leaf: usize, mut visit: impl FnMut(usize, f64)) {
        let mut step = self.steps[self.leaves[leaf] as usize];
        for _ in 0..step.depth {
            let parent = self.steps[step.parent as usize];
            visit(step.feature as usize, step.mean - parent.mean);
            step = parent;
        }
    }
}

/// The steps of a tree whose root stands at `first`.
fn steps_of(tree: &Tree, first: u32) -> Vec<Step> {
    let nodes = tree.nodes();
    let root = Step { parent: first, feature: 0, depth: 0, mean: 0.0 };
    let mut steps = vec![root; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        if let Node::Split { feature, left, right, .. } = *node {
            for child in [left, right] {
                let (parent, depth) = (first + position(at), steps[at].depth + 1);
                steps[child] = Step { parent, feature: position(feature), depth, mean: 0.0 };
            }
        }
    }
    // Children stand behind their parent, so that their means come first in this order.
    let mut n_samples = vec![0.0; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        match *node {
            Node::Leaf { value } => {
                n_samples[at] = value as f64;
                steps[at].mean = path_length(steps[at].depth, value);
            }
            Node::Split { left, right, .. } => {
                n_samples[at] = n_samples[left] + n_samples[right];
                // A file may know of no training rows here.
                let share =
                    if n_samples[at] > 0.0 { n_samples[right] / n_samples[at] } else { 0.5 };
                steps[at].mean = (1.0 - share) * steps[left].mean + share * steps[right].mean;
            }
        }
    }
    steps
}

/// A position below a number of nodes that fits 32 bits, or one of a feature, which the forest checks.
#[expect(clippy::cast_possible_truncation, reason = "positions fit 32 bits")]
fn position(at: usize) -> u32 {
    at as u32
}
