use crate::Error;

/// A tree of a booster; node 0 is the root.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// The categories of splits by category, ascending.
    pub(crate) categories: Vec<Box<[u32]>>,
    /// The values of leaves that are vectors, one after the other.
    pub(crate) vectors: Vec<f32>,
}

/// A node with what XGBoost keeps about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// The node's optimal weight, before the learning rate.
    pub(crate) weight: f32,
    /// The sum of the hessians of the rows that came here.
    pub(crate) hessian: f32,
    /// The node's number in the file, which counts pruned nodes, too.
    pub(crate) id: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NodeKind {
    Split {
        feature: u32,
        test: Test,
        default_left: bool,
        left: u32,
        right: u32,
        /// By how much the split lowers the loss.
        gain: f32,
    },
    Leaf {
        value: f32,
    },
    /// A leaf with a value per output: the position of its vector among those of the tree.
    VectorLeaf {
        vector: u32,
    },
}

/// Which values go left; what is missing goes where the split says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Test {
    /// Values below a threshold.
    Below(f32),
    /// Categories that are not among the tree's categories at this position.
    NotIn(u32),
}

impl Tree {
    /// A tree without categories and vectors, whose nodes are numbered as they stand.
    pub(crate) fn new(mut nodes: Vec<Node>) -> Self {
        for (id, node) in (0..).zip(&mut nodes) {
            node.id = id;
        }
        Self { nodes, ..Self::default() }
    }

    /// Takes the nodes that a way from the root leads to, in their order; pruned trees keep others.
    ///
    /// `None` if a link leads nowhere or two lead to one node.
    pub(crate) fn reachable(mut nodes: Vec<Node>) -> Option<Vec<Node>> {
        let mut is_reached = vec![false; nodes.len()];
        let mut pending = vec![0];
        while let Some(node) = pending.pop() {
            if std::mem::replace(is_reached.get_mut(node)?, true) {
                return None;
            }
            if let NodeKind::Split { left, right, .. } = nodes[node].kind {
                pending.extend([left as usize, right as usize]);
            }
        }
        let mut n_kept = 0;
        let positions: Vec<u32> = is_reached
            .iter()
            .map(|is_reached| {
                n_kept += u32::from(*is_reached);
                n_kept.saturating_sub(1)
            })
            .collect();
        for node in &mut nodes {
            if let NodeKind::Split { left, right, .. } = &mut node.kind {
                (*left, *right) = (position(&positions, *left), position(&positions, *right));
            }
        }
        let kept = nodes.into_iter().zip(is_reached);
        Some(kept.filter_map(|(node, is_reached)| is_reached.then_some(node)).collect())
    }

    /// The same tree with a list of categories for each split by category, in the order of the nodes.
    pub(crate) fn with_categories_in_order(mut self) -> Self {
        let mut lists = Vec::new();
        for node in &mut self.nodes {
            if let NodeKind::Split { test: Test::NotIn(list), .. } = &mut node.kind {
                lists.push(self.categories[*list as usize].clone());
                // There are no more lists than nodes.
                *list = u32::try_from(lists.len() - 1).unwrap_or(u32::MAX);
            }
        }
        Self { categories: lists, ..self }
    }

    /// The node behind a split for a row in which NaN is a missing value.
    pub(crate) fn next(&self, split: &NodeKind, row: &[f32]) -> Option<usize> {
        let NodeKind::Split { feature, test, default_left, left, right, .. } = *split else {
            return None;
        };
        let value = row[feature as usize];
        let goes_left = if value.is_nan() {
            default_left
        } else {
            match test {
                Test::Below(threshold) => value < threshold,
                Test::NotIn(categories) => !is_among(value, &self.categories[categories as usize]),
            }
        };
        Some(if goes_left { left } else { right } as usize)
    }

    /// The longest way from the root, in splits.
    pub(crate) fn depth(&self) -> usize {
        let mut depth = 0;
        let mut level = vec![0];
        loop {
            let children = level.iter().filter_map(|node| match self.nodes[*node].kind {
                NodeKind::Split { left, right, .. } => Some([left as usize, right as usize]),
                _ => None,
            });
            level = children.flatten().collect();
            if level.is_empty() {
                return depth;
            }
            depth += 1;
        }
    }

    /// Checks that vectors, categories and features are there; `tree` is the tree's position.
    pub(crate) fn check(
        &self,
        tree: usize,
        n_features: usize,
        n_outputs: usize,
    ) -> Result<(), Error> {
        let fits = |node: &Node| match node.kind {
            NodeKind::Split { feature, test, .. } => {
                let has_categories = match test {
                    Test::Below(_) => true,
                    Test::NotIn(categories) => (categories as usize) < self.categories.len(),
                };
                has_categories && (feature as usize) < n_features
            }
            NodeKind::Leaf { .. } => self.vectors.is_empty(),
            NodeKind::VectorLeaf { vector } => (vector as usize + 1)
                .checked_mul(n_outputs)
                .is_some_and(|end| end <= self.vectors.len()),
        };
        let problem = "a feature, vector or list of categories is out of range";
        if self.nodes.iter().all(fits) { Ok(()) } else { Err(Error::Tree { tree, problem }) }
    }
}

impl Node {
    pub(crate) fn leaf(value: f32, weight: f32, hessian: f32) -> Self {
        Self { kind: NodeKind::Leaf { value }, weight, hessian, id: 0 }
    }
}

/// Whether a value is one of some ascending categories; what is no category is not.
pub(crate) fn is_among(value: f32, categories: &[u32]) -> bool {
    if !(0.0..LAST_CATEGORY as f32).contains(&value) {
        return false;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "XGBoost drops the fraction of a category"
    )]
    let category = value as u32;
    categories.binary_search(&category).is_ok()
}

/// Codes of categories are below this, from which on 32-bit numbers have gaps.
pub(crate) const LAST_CATEGORY: u32 = 1 << 24;

/// Where a node stands among the kept ones; links of nodes that are dropped may lead anywhere.
fn position(positions: &[u32], node: u32) -> u32 {
    positions.get(node as usize).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(left: u32, right: u32) -> Node {
        let kind = NodeKind::Split {
            feature: 0,
            test: Test::Below(0.5),
            default_left: false,
            left,
            right,
            gain: 1.0,
        };
        Node { kind, weight: 0.0, hessian: 0.0, id: 0 }
    }

    fn leaf(value: f32) -> Node {
        Node::leaf(value, 0.0, 0.0)
    }

    #[test]
    fn nodes_that_were_pruned_away_are_dropped() {
        let nodes = vec![split(4, 2), split(9, 9), leaf(1.0), leaf(2.0), leaf(3.0)];
        let kept = vec![split(2, 1), leaf(1.0), leaf(3.0)];
        assert_eq!(Tree::reachable(nodes), Some(kept.clone()));
        assert_eq!(Tree::reachable(kept.clone()), Some(kept));
    }

    #[test]
    fn cycles_and_links_that_lead_nowhere_are_no_tree() {
        for nodes in
            [vec![], vec![split(1, 2)], vec![split(0, 1), leaf(1.0)], vec![split(1, 1), leaf(1.0)]]
        {
            assert_eq!(Tree::reachable(nodes), None);
        }
    }

    #[test]
    fn categories_are_whole_numbers_that_32_bits_tell_apart() {
        let categories = [0, 3, 16_777_215];
        for (value, expected) in [
            (0.0, true),
            (-0.0, true),
            (3.9, true),
            (16_777_215.0, true),
            (1.0, false),
            (-0.5, false),
            (16_777_216.0, false),
            (f32::INFINITY, false),
        ] {
            assert_eq!(is_among(value, &categories), expected, "{value}");
        }
    }

    #[test]
    fn categories_that_are_named_go_right() {
        let kind = NodeKind::Split {
            feature: 0,
            test: Test::NotIn(0),
            default_left: true,
            left: 1,
            right: 2,
            gain: 1.0,
        };
        let root = Node { kind, ..leaf(0.0) };
        let tree =
            Tree { categories: vec![[1, 4].into()], ..Tree::new(vec![root, leaf(1.0), leaf(2.0)]) };
        let next = |value: f32| tree.next(&kind, &[value]);
        assert_eq!([1.0, 4.0].map(next), [Some(2); 2]);
        assert_eq!([0.0, 7.0, -1.0, f32::NAN].map(next), [Some(1); 4]);
        assert_eq!(tree.depth(), 1);
        tree.check(0, 1, 1).unwrap();
        tree.check(0, 0, 1).unwrap_err();
    }
}
