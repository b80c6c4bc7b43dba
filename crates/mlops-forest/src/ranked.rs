use std::collections::BTreeMap;
use std::ops::Range;

use crate::Rows;
use crate::forest::BLOCK;
use crate::group::{Group, LANES};
use crate::plain::PlainNode;
use crate::rank::Rank;
use crate::top::{LEVELS, Top};

/// Trees whose thresholds are few enough to be counted: a value is compared by its rank among them.
///
/// ```text
/// rank(x) = number of thresholds of the feature that are at most x        x < threshold k  <=>  rank(x) < k
/// ```
///
/// with thresholds in ascending order, counted from 1. Comparisons come out the same, and nodes and values take less
/// room. A row has `SLOTS` places, which are those of its ranks: two for each feature that splits compare.
#[derive(Clone, Debug)]
pub(crate) struct RankedTrees<R: Rank, const SLOTS: usize> {
    nodes: Vec<R::Node>,
    /// One per tree.
    tops: Vec<Top<R, SLOTS>>,
    /// Each feature that splits compare, in ascending order.
    features: Vec<(usize, R::Thresholds)>,
}

/// The different thresholds of each feature that splits compare, both in ascending order.
pub(crate) fn thresholds(nodes: &[PlainNode]) -> Vec<(usize, Vec<f32>)> {
    let mut lists: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for node in nodes.iter().filter(|node| !node.is_leaf()) {
        lists.entry(node.slot as usize / 2).or_default().push(node.threshold);
    }
    for list in lists.values_mut() {
        list.sort_unstable_by(f32::total_cmp);
        // Both zeros are one threshold.
        list.dedup();
    }
    lists.into_iter().collect()
}

impl<R: Rank, const SLOTS: usize> RankedTrees<R, SLOTS> {
    /// The same trees by ranks, if there are few enough features, nodes and thresholds per feature.
    pub(crate) fn new(
        nodes: &[PlainNode],
        groups: &[Group],
        thresholds: &[(usize, Vec<f32>)],
    ) -> Option<Self> {
        if 2 * thresholds.len() > SLOTS {
            return None;
        }
        let features = thresholds.iter();
        let features = features.map(|(feature, list)| Some((*feature, R::thresholds(list)?)));
        let features = features.collect::<Option<_>>()?;
        let ranked = nodes.iter().map(|node| {
            if node.is_leaf() {
                // No rank is below 0: a leaf steps to itself.
                return R::node(node.left, 0, 0);
            }
            let (feature, side) = (node.slot as usize / 2, node.slot % 2);
            let at = thresholds.binary_search_by_key(&feature, |(feature, _)| *feature).ok()?;
            let slot = 2 * u32::try_from(at).ok()? + side;
            let rank =
                thresholds[at].1.partition_point(|threshold| *threshold < node.threshold) + 1;
            R::node(node.left, slot, rank)
        });
        let nodes: Vec<R::Node> = ranked.collect::<Option<_>>()?;
        let roots = groups.iter().flat_map(|group| &group.roots[..group.n_trees]);
        let tops = roots.map(|root| Top::new(&nodes, *root)).collect();
        Some(Self { nodes, tops, features })
    }

    /// Hands `visit` the position of each row of a block, and the nodes at which it ends in each group of trees.
    ///
    /// A block has at most [`BLOCK`] rows.
    pub(crate) fn walk(
        &self,
        groups: &[Group],
        rows: &Rows,
        block: Range<usize>,
        visit: impl FnMut(&Group, usize, [u32; LANES]),
    ) {
        match block.len() {
            // Blocks of so few cost more than they save.
            0..4 => self.walk_rows(groups, rows, block, visit),
            4..=16 => self.walk_block::<16>(groups, rows, block, visit),
            _ => self.walk_block::<BLOCK>(groups, rows, block, visit),
        }
    }

    /// Takes one row after the other through the trees.
    fn walk_rows(
        &self,
        groups: &[Group],
        rows: &Rows,
        block: Range<usize>,
        mut visit: impl FnMut(&Group, usize, [u32; LANES]),
    ) {
        for row in block {
            let ranks = self.ranks(rows.slots(row));
            for group in groups {
                let mut nodes = group.roots;
                self.descend(&mut nodes, group.depth, &ranks);
                visit(group, row, nodes);
            }
        }
    }

    /// Takes at most `N` rows through the first levels of each tree together, and through the others one by one.
    fn walk_block<const N: usize>(
        &self,
        groups: &[Group],
        rows: &Rows,
        block: Range<usize>,
        mut visit: impl FnMut(&Group, usize, [u32; LANES]),
    ) {
        let mut by_row = [[R::default(); SLOTS]; N];
        let mut by_slot = [[R::default(); N]; SLOTS];
        for ((at, ranks), row) in by_row.iter_mut().enumerate().zip(block.clone()) {
            *ranks = self.ranks(rows.slots(row));
            for (by_slot, rank) in by_slot.iter_mut().zip(ranks).take(2 * self.features.len()) {
                by_slot[at] = *rank;
            }
        }
        for (group, tops) in groups.iter().zip(self.tops.chunks(LANES)) {
            let mut reached = [[R::default(); N]; LANES];
            for (reached, top) in reached.iter_mut().zip(tops) {
                top.walk(&by_slot, reached);
            }
            for ((at, ranks), row) in by_row.iter().enumerate().zip(block.clone()) {
                let mut nodes = group.roots;
                for ((node, top), reached) in nodes.iter_mut().zip(tops).zip(&reached) {
                    *node = top.node(reached[at]);
                }
                self.descend(&mut nodes, group.depth.saturating_sub(LEVELS), ranks);
                visit(group, row, nodes);
            }
        }
    }

    /// The bytes that nodes and thresholds take.
    pub(crate) fn n_bytes(&self) -> usize {
        let thresholds = self.features.iter().map(|(_, list)| size_of_val(list.as_ref()));
        size_of_val(&*self.nodes) + size_of_val(&*self.tops) + thresholds.sum::<usize>()
    }

    /// The ranks of the values of a row, two for each feature that splits compare.
    fn ranks(&self, slots: &[[f32; 2]]) -> [R; SLOTS] {
        let mut ranks = [R::default(); SLOTS];
        let pairs = ranks.as_chunks_mut::<2>().0;
        for ((feature, thresholds), ranks) in self.features.iter().zip(pairs) {
            // They differ where the value is missing.
            *ranks = match slots[*feature] {
                [right, left] if right == left => [R::of(right, thresholds); 2],
                _ => [R::MAX, R::default()],
            };
        }
        ranks
    }

    /// Goes on from each of `nodes` by that many splits.
    fn descend(&self, nodes: &mut [u32; LANES], n_splits: usize, ranks: &[R; SLOTS]) {
        for _ in 0..n_splits {
            for node in &mut *nodes {
                let (left, slot, rank) = R::parts(self.nodes[*node as usize]);
                *node = left + u32::from(ranks[slot % SLOTS] >= rank);
            }
        }
    }
}
