use std::ops::Range;

use crate::Rows;
use crate::group::{Group, LANES};

/// Trees whose nodes hold thresholds: any forest.
#[derive(Clone, Debug)]
pub(crate) struct PlainTrees {
    nodes: Vec<PlainNode>,
}

/// A split or a leaf; both are stepped from in the same way, without a branch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainNode {
    pub(crate) threshold: f32,
    pub(crate) slot: u32,
    // The right child stands behind the left one.
    pub(crate) left: u32,
}

impl PlainTrees {
    pub(crate) fn new(nodes: Vec<PlainNode>) -> Self {
        Self { nodes }
    }

    /// Hands `visit` the position of each row of a block, and the nodes at which it ends in each group of trees.
    pub(crate) fn walk(
        &self,
        groups: &[Group],
        rows: &Rows,
        block: Range<usize>,
        mut visit: impl FnMut(&Group, usize, [u32; LANES]),
    ) {
        for row in block {
            let slots = rows.slots(row).as_flattened();
            for group in groups {
                let mut nodes = group.roots;
                for _ in 0..group.depth {
                    for node in &mut nodes {
                        *node = self.nodes[*node as usize].next(slots);
                    }
                }
                visit(group, row, nodes);
            }
        }
    }

    /// The bytes that the nodes take.
    pub(crate) fn n_bytes(&self) -> usize {
        size_of_val(&*self.nodes)
    }
}

impl PlainNode {
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
