use mlops_forest::{Node as ForestNode, Side};

/// A tree of a booster; node 0 is the root.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

/// A node with what XGBoost keeps about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// The node's optimal weight, before the learning rate.
    pub(crate) weight: f32,
    /// The sum of the hessians of the rows that came here.
    pub(crate) hessian: f32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NodeKind {
    Split {
        feature: u32,
        threshold: f32,
        default_left: bool,
        left: u32,
        right: u32,
        /// By how much the split lowers the loss.
        gain: f32,
    },
    Leaf {
        value: f32,
    },
}

impl Tree {
    /// Takes the nodes that a way from the root leads to, in their order; pruned trees keep others.
    ///
    /// `None` if a link leads nowhere or two lead to one node.
    pub(crate) fn of_reachable(mut nodes: Vec<Node>) -> Option<Self> {
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
        let kept = nodes
            .into_iter()
            .zip(is_reached)
            .filter_map(|(node, is_reached)| is_reached.then_some(node));
        Some(Self { nodes: kept.collect() })
    }

    /// The tree as the forest engine takes it.
    pub(crate) fn to_forest(&self) -> Vec<ForestNode<f32>> {
        self.nodes.iter().map(|node| node.to_forest()).collect()
    }
}

impl Node {
    pub(crate) fn leaf(value: f32, weight: f32, hessian: f32) -> Self {
        Self { kind: NodeKind::Leaf { value }, weight, hessian }
    }

    fn to_forest(self) -> ForestNode<f32> {
        match self.kind {
            NodeKind::Leaf { value } => ForestNode::Leaf { value },
            NodeKind::Split { feature, threshold, default_left, left, right, .. } => {
                ForestNode::Split {
                    feature: feature as usize,
                    threshold,
                    missing: if default_left { Side::Left } else { Side::Right },
                    left: left as usize,
                    right: right as usize,
                }
            }
        }
    }
}

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
            threshold: 0.5,
            default_left: false,
            left,
            right,
            gain: 1.0,
        };
        Node { kind, weight: 0.0, hessian: 0.0 }
    }

    fn leaf(value: f32) -> Node {
        Node::leaf(value, 0.0, 0.0)
    }

    #[test]
    fn nodes_that_were_pruned_away_are_dropped() {
        let nodes = vec![split(4, 2), split(9, 9), leaf(1.0), leaf(2.0), leaf(3.0)];
        let kept = vec![split(2, 1), leaf(1.0), leaf(3.0)];
        assert_eq!(Tree::of_reachable(nodes), Some(Tree { nodes: kept.clone() }));
        assert_eq!(Tree::of_reachable(kept.clone()), Some(Tree { nodes: kept }));
    }

    #[test]
    fn cycles_and_links_that_lead_nowhere_are_no_tree() {
        for nodes in
            [vec![], vec![split(1, 2)], vec![split(0, 1), leaf(1.0)], vec![split(1, 1), leaf(1.0)]]
        {
            assert_eq!(Tree::of_reachable(nodes), None);
        }
    }
}
