use std::ops::Range;

use super::dataset::Dataset;
use super::partition::partition;
use super::threads::Threads;
use crate::tree::Test::Below;
use crate::tree::{NodeKind, Tree};

/// Lets rows go from the root of a trained tree to its leaves, and tells which end at each leaf and its value.
///
/// Node by node: a row by itself takes ways that no processor foresees.
pub(super) fn route(
    tree: &Tree,
    dataset: &Dataset,
    mut rows: Vec<u32>,
    mut tell: impl FnMut(&[u32], f32),
) {
    let mut scratch = Vec::new();
    let mut ranges = vec![Range::default(); tree.nodes.len()];
    ranges[0] = 0..rows.len();
    // Children stand behind their parents.
    for (index, node) in tree.nodes.iter().enumerate() {
        let range = ranges[index].clone();
        match node.kind {
            NodeKind::Split {
                feature, test: Below(threshold), default_left, left, right, ..
            } => {
                let values = dataset.values.column(feature as usize);
                let rows = &mut rows[range.clone()];
                let is_below = move |row| values[row] < threshold;
                let is_missing = move |row: usize| values[row].is_nan();
                let n_left =
                    partition(rows, &mut scratch, default_left, is_below, is_missing, Threads::One);
                let middle = range.start + n_left;
                ranges[left as usize] = range.start..middle;
                ranges[right as usize] = middle..range.end;
            }
            NodeKind::Leaf { value } => tell(&rows[range], value),
            // No tree is trained to have others.
            _ => unreachable!(),
        }
    }
}
