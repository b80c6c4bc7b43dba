use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// Random numbers that follow from a seed alone, on every machine and in every version: the generator
/// (xoshiro256++) and the way from its bits to numbers are part of the contract.
///
/// # Examples
/// ```
/// use mlops_core::Random;
///
/// let mut random = Random::new(7);
/// assert_eq!(random.below(100), 5);
/// assert_eq!(Random::new(7).below(100), 5);
/// assert_ne!(Random::stream(7, 0).below(1 << 40), Random::stream(7, 1).below(1 << 40));
/// ```
#[derive(Clone, Debug)]
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The numbers of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// The numbers of the `index`-th part of a task with one seed, such as a tree of a forest.
    ///
    /// Seed and index are hashed: neighbouring seeds have no stream in common.
    pub fn stream(seed: u64, index: u64) -> Self {
        let hashed = SplitMix64::seed_from_u64(seed).next_u64();
        Self::new(SplitMix64::seed_from_u64(hashed ^ index).next_u64())
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `[0, 1)`, a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2.0_f64.powi(-53)
    }

    /// A whole number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The high half of the product (Lemire 2019); the bias is below bound / 2^64.
        let product = u128::from(self.bits()) * bound as u128;
        #[expect(clippy::cast_possible_truncation, reason = "the high half is below the bound")]
        let high = (product >> 64) as usize;
        high
    }

    /// Moves `count` randomly chosen items to the front, in random order; all of them if there are fewer.
    pub fn choose<T>(&mut self, items: &mut [T], count: usize) {
        for index in 0..count.min(items.len()) {
            let other = index + self.below(items.len() - index);
            items.swap(index, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(1);
        let numbers = [random.bits(), random.bits()];
        assert_eq!(numbers, [0xcfc5_d07f_6f03_c29b, 0xbf42_4132_963f_e08d]);
        // splitmix64 and xoshiro256++ in Python, of the seed mix(mix(7) ^ 3).
        let mut stream = Random::stream(7, 3);
        let numbers = [stream.bits(), stream.bits()];
        assert_eq!(numbers, [10_076_371_451_302_012_847, 11_721_755_629_401_973_580]);
    }

    #[test]
    fn numbers_spread_evenly() {
        let mut random = Random::new(3);
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            counts[random.below(10)] += 1;
            assert!((0.0..1.0).contains(&random.unit()));
        }
        // Four standard deviations of a count are 120.
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 120), "{counts:?}");
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn chosen_items_stand_in_front_and_none_is_lost() {
        let mut items: Vec<usize> = (0..100).collect();
        Random::new(5).choose(&mut items, 10);
        assert!(items[..10] != [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
        Random::new(5).choose(&mut items[..2], 5);
    }

    #[test]
    fn streams_of_neighbouring_seeds_differ() {
        let mut firsts: Vec<u64> = (0..20)
            .flat_map(|seed| (0..20).map(move |index| Random::stream(seed, index).bits()))
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 400);
    }
}
