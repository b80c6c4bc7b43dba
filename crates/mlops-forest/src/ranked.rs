use crate::forest::CompiledNode;

/// Places for the values of a row: two per feature, so that 32 features have room.
pub(crate) const SLOTS: usize = 64;
/// Nodes that a position can tell apart.
const MAX_NODES: usize = 1 << (u32::BITS - POSITION);
/// The bits of a node before the position of its left child: the rank of the threshold, and the slot.
const POSITION: u32 = RANK + SLOTS.ilog2();
const RANK: u32 = u8::BITS;

/// Trees whose thresholds are few enough to be counted: a value is compared by its rank among them, in one byte.
///
/// ```text
/// rank(x) = number of thresholds of the feature that are at most x        x < threshold k  <=>  rank(x) < k
/// ```
///
/// with thresholds in ascending order, counted from 1. Comparisons come out the same, and a node takes four bytes
/// instead of twelve.
#[derive(Clone, Debug)]
pub(crate) struct RankedTrees {
    nodes: Vec<RankedNode>,
    /// The thresholds of each feature.
    thresholds: Vec<Thresholds>,
}

/// A split or a leaf: the position of the left child, the slot, and the rank of the threshold; a leaf has rank 0, which
/// no value is below, and steps to itself.
#[derive(Clone, Copy, Debug)]
struct RankedNode(u32);

/// The thresholds of a feature, ascending, and NaN behind them.
type Thresholds = [f32; u8::MAX as usize];

impl RankedTrees {
    /// The same trees by ranks, if they have at most 255 thresholds per feature, 32 features and 262,144 nodes.
    pub(crate) fn new(nodes: &[CompiledNode], n_features: usize) -> Option<Self> {
        if 2 * n_features > SLOTS || nodes.len() > MAX_NODES {
            return None;
        }
        let mut lists = vec![Vec::new(); n_features];
        for node in nodes.iter().filter(|node| !node.is_leaf()) {
            lists[node.slot as usize / 2].push(node.threshold);
        }
        let mut thresholds = vec![[f32::NAN; u8::MAX as usize]; n_features];
        for (list, thresholds) in lists.iter_mut().zip(&mut thresholds) {
            list.sort_by(f32::total_cmp);
            // Both zeros are one threshold.
            list.dedup();
            thresholds.get_mut(..list.len())?.copy_from_slice(list);
        }
        let rank = |node: &CompiledNode| -> Option<u32> {
            if node.is_leaf() {
                return Some(0);
            }
            let list = &lists[node.slot as usize / 2];
            u32::try_from(list.partition_point(|threshold| *threshold < node.threshold) + 1).ok()
        };
        let ranked = nodes
            .iter()
            .map(|node| Some(RankedNode(node.left << POSITION | node.slot << RANK | rank(node)?)));
        Some(Self { nodes: ranked.collect::<Option<_>>()?, thresholds })
    }

    /// The ranks of the values of a row, two for each feature.
    pub(crate) fn ranks(&self, slots: &[f32]) -> [u8; SLOTS] {
        let mut ranks = [0; SLOTS];
        let pairs = slots.as_chunks::<2>().0.iter().zip(&self.thresholds);
        for ((values, thresholds), ranks) in pairs.zip(ranks.as_chunks_mut::<2>().0) {
            // They differ where the value is missing.
            *ranks = match values {
                [right, left] if right == left => [rank(thresholds, *right); 2],
                _ => [u8::MAX, 0],
            };
        }
        ranks
    }

    /// The node behind each of `nodes`.
    pub(crate) fn step<const LANES: usize>(&self, nodes: &mut [u32; LANES], ranks: &[u8; SLOTS]) {
        for node in nodes {
            *node = self.nodes[*node as usize].next(ranks);
        }
    }
}

impl RankedNode {
    fn next(self, ranks: &[u8; SLOTS]) -> u32 {
        let [threshold, ..] = self.0.to_le_bytes();
        let rank = ranks[(self.0 >> RANK) as usize % SLOTS];
        (self.0 >> POSITION) + u32::from(rank >= threshold)
    }
}

/// The number of thresholds that are at most `value`; in eight steps, whatever it is.
fn rank(thresholds: &Thresholds, value: f32) -> u8 {
    let mut rank = 0;
    for step in [128, 64, 32, 16, 8, 4, 2, 1] {
        // Nothing is at least NaN.
        let is_below = thresholds[rank + step - 1] <= value;
        rank += if is_below { step } else { 0 };
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 255")]
    let rank = rank as u8;
    rank
}
