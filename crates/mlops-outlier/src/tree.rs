use mlops_forest::Node;

use crate::Error;

/// An isolation tree, whose leaves hold the number of training rows that end in them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    // Invariant: children stand behind their parent, which is some split of each node but the first;
    // thresholds are finite.
    nodes: Vec<Node<usize>>,
}

impl Tree {
    /// Takes the nodes of the tree at position `tree`, children behind their parent.
    pub(crate) fn new(tree: usize, nodes: Vec<Node<usize>>) -> Result<Self, Error> {
        let behind = |child: usize, parent| parent < child && child < nodes.len();
        let mut has_parent = vec![false; nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            if let Node::Split { threshold, left, right, .. } = *node {
                if !(behind(left, at) && behind(right, at)) {
                    return Err(Error::ChildOrder { tree, node: at });
                }
                if !threshold.is_finite() {
                    return Err(Error::InfiniteThreshold { tree, node: at, threshold });
                }
                has_parent[left] = true;
                has_parent[right] = true;
            }
        }
        if let Some(before) = has_parent.iter().skip(1).position(|has_parent| !has_parent) {
            return Err(Error::StrayNode { tree, node: before + 1 });
        }
        Ok(Self { nodes })
    }

    pub(crate) fn nodes(&self) -> &[Node<usize>] {
        &self.nodes
    }

    /// The same tree with leaves that hold how many splits it takes to isolate a row that ends in
    /// them: those on the way and those that a further tree of its training rows would take.
    pub(crate) fn path_lengths(&self) -> Vec<Node<f64>> {
        let mut depths = vec![0_u32; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            if let Node::Split { left, right, .. } = *node {
                depths[left] = depths[at] + 1;
                depths[right] = depths[at] + 1;
            }
        }
        self.with_leaves(|at, n_samples| path_length(depths[at], n_samples))
    }

    /// The same tree with leaves that hold what `value` says of their positions and numbers of rows.
    pub(crate) fn with_leaves<V>(&self, mut value: impl FnMut(usize, usize) -> V) -> Vec<Node<V>> {
        let nodes = self.nodes.iter().enumerate();
        let nodes = nodes.map(|(at, node)| match *node {
            Node::Leaf { value: n_samples } => Node::Leaf { value: value(at, n_samples) },
            Node::Split { feature, threshold, missing, left, right } => {
                Node::Split { feature, threshold, missing, left, right }
            }
        });
        nodes.collect()
    }
}

/// The path length of a row that ends in a leaf of `n_samples` training rows below `depth` splits.
pub(crate) fn path_length(depth: u32, n_samples: usize) -> f64 {
    // In scikit-learn's order, which counts the depth from 1: the last bit matters.
    f64::from(depth) + 1.0 + average_path_length(n_samples) - 1.0
}

/// The average number of splits that isolate one of `n` rows in a random tree, c(n) of the paper.
///
/// ```text
/// c(n) = 2 (ln(n - 1) + gamma) - 2 (n - 1) / n,    c(2) = 1,    c(1) = c(0) = 0
/// ```
pub(crate) fn average_path_length(n: usize) -> f64 {
    /// The Euler-Mascheroni constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = n as f64;
            2.0 * ((n - 1.0).ln() + GAMMA) - 2.0 * (n - 1.0) / n
        }
    }
}

#[cfg(test)]
mod tests {
    use mlops_forest::Side;

    use super::*;

    #[test]
    fn average_path_lengths_are_those_of_scikit_learn() {
        // sklearn.ensemble._iforest._average_path_length(np.array([0, 1, 2, 3, 256])), 1.9.1
        let expected = [0.0, 0.0, 1.0, 1.207_392_357_589_623, 10.244_770_920_119_917];
        assert_eq!([0, 1, 2, 3, 256].map(average_path_length), expected);
    }

    #[test]
    fn a_leaf_of_many_rows_counts_as_a_tree_of_them() {
        let split = |left, right| Node::Split {
            feature: 0,
            threshold: 1.0,
            missing: Side::Left,
            left,
            right,
        };
        let leaf = |value| Node::Leaf { value };
        let tree = Tree::new(0, vec![split(1, 4), split(2, 3), leaf(1), leaf(3), leaf(2)]).unwrap();
        let lengths: Vec<f64> = tree
            .path_lengths()
            .into_iter()
            .filter_map(|node| match node {
                Node::Leaf { value } => Some(value),
                Node::Split { .. } => None,
            })
            .collect();
        assert_eq!(lengths, [2.0, 3.0 + 1.207_392_357_589_623 - 1.0, 2.0]);
    }

    #[test]
    fn thresholds_are_finite() {
        for threshold in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let split =
                Node::Split { feature: 0, threshold, missing: Side::Left, left: 1, right: 2 };
            let leaf = Node::Leaf { value: 1 };
            let error = Tree::new(7, vec![split, leaf, leaf]).unwrap_err();
            assert!(matches!(error, Error::InfiniteThreshold { tree: 7, node: 0, .. }), "{error}");
        }
    }

    #[test]
    fn every_node_has_a_way_to_it() {
        let split =
            Node::Split { feature: 0, threshold: 1.0, missing: Side::Left, left: 1, right: 3 };
        let leaf = Node::Leaf { value: 1 };
        let tree = Tree::new(7, vec![split, leaf, leaf, leaf]);
        assert_eq!(tree, Err(Error::StrayNode { tree: 7, node: 2 }));
    }

    #[test]
    fn children_stand_behind_their_parent() {
        for (left, right) in [(0, 1), (1, 0), (1, 2), (usize::MAX, 1)] {
            let split =
                Node::Split { feature: 0, threshold: 1.0, missing: Side::Left, left, right };
            let tree = Tree::new(7, vec![split, Node::Leaf { value: 1 }]);
            assert_eq!(tree, Err(Error::ChildOrder { tree: 7, node: 0 }));
        }
    }
}
