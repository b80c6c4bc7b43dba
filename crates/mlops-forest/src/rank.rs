use std::fmt::Debug;
use std::ops::{BitAnd, BitOr, Not};

/// The rank of a value among the thresholds of its feature, and a node that compares it.
///
/// The default is the rank below every threshold.
pub(crate) trait Rank:
    Copy
    + Debug
    + Default
    + Ord
    + From<u8>
    + Into<usize>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + Not<Output = Self>
{
    /// The places for the values of a row, of which a feature takes two; a power of two.
    const SLOTS: usize;

    /// The thresholds of a feature.
    type Thresholds: AsRef<[f32]> + Clone + Debug;
    /// A split or a leaf: the position of the left child, the place of the value, and the rank of the threshold.
    type Node: Copy + Debug;

    /// The rank above every threshold.
    const MAX: Self;

    /// Takes thresholds in ascending order, if there are fewer than ranks.
    fn thresholds(list: &[f32]) -> Option<Self::Thresholds>;

    /// The number of thresholds that are at most `value`.
    fn of(value: f32, thresholds: &Self::Thresholds) -> Self;

    /// Packs a node, if it fits.
    fn node(left: u32, slot: u32, rank: usize) -> Option<Self::Node>;

    /// Left child, place of the value and rank of the threshold.
    fn parts(node: Self::Node) -> (u32, usize, Self);
}

/// Nodes of four bytes: 18 bits for the left child, 6 for the place of the value and 8 for the rank.
impl Rank for u8 {
    const SLOTS: usize = 64;

    /// With NaN behind them.
    type Thresholds = [f32; Self::MAX as usize];
    type Node = u32;

    const MAX: Self = Self::MAX;

    fn thresholds(list: &[f32]) -> Option<Self::Thresholds> {
        let mut thresholds = [f32::NAN; Self::MAX as usize];
        thresholds.get_mut(..list.len())?.copy_from_slice(list);
        Some(thresholds)
    }

    /// In eight steps, whatever the value is.
    fn of(value: f32, thresholds: &Self::Thresholds) -> Self {
        let mut count = 0;
        for step in [128, 64, 32, 16, 8, 4, 2, 1] {
            // Nothing is at least NaN.
            let is_at_most = thresholds[count + step - 1] <= value;
            count += if is_at_most { step } else { 0 };
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 255")]
        let rank = count as Self;
        rank
    }

    fn node(left: u32, slot: u32, rank: usize) -> Option<u32> {
        let rank = Self::try_from(rank).ok()?;
        let fits = (slot as usize) < Self::SLOTS && left < 1 << 18;
        fits.then_some(left << 14 | slot << 8 | u32::from(rank))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the rank stands in the lowest bits")]
    fn parts(node: u32) -> (u32, usize, Self) {
        (node >> 14, (node >> 8) as usize % Self::SLOTS, node as Self)
    }
}

/// Nodes of eight bytes: 32 bits for the left child, 16 for the place of the value and 16 for the rank.
impl Rank for u16 {
    const SLOTS: usize = 256;

    /// With NaN behind them, until they are one less than a power of two.
    type Thresholds = Box<[f32]>;
    type Node = u64;

    const MAX: Self = Self::MAX;

    fn thresholds(list: &[f32]) -> Option<Self::Thresholds> {
        let mut thresholds = list.to_vec();
        thresholds.resize((list.len() + 1).next_power_of_two() - 1, f32::NAN);
        (list.len() <= Self::MAX.into()).then(|| thresholds.into())
    }

    /// In as many steps whatever the value is.
    fn of(value: f32, thresholds: &Self::Thresholds) -> Self {
        let mut count = 0;
        for bit in (0..thresholds.len().count_ones()).rev() {
            // Nothing is at least NaN.
            let is_at_most = thresholds[count + (1 << bit) - 1] <= value;
            count += usize::from(is_at_most) << bit;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 65,535")]
        let rank = count as Self;
        rank
    }

    fn node(left: u32, slot: u32, rank: usize) -> Option<u64> {
        let (slot, rank) = (Self::try_from(slot).ok()?, Self::try_from(rank).ok()?);
        Some(u64::from(left) << 32 | u64::from(slot) << 16 | u64::from(rank))
    }

    #[expect(clippy::cast_possible_truncation, reason = "each part stands in bits of its own")]
    fn parts(node: u64) -> (u32, usize, Self) {
        ((node >> 32) as u32, (node >> 16) as usize % (1 << 16), node as Self)
    }
}
