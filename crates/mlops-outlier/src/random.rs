use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The random numbers of one tree, a function of the seed and the tree's position alone.
///
/// Seed and position are hashed, not added: the trees of neighbouring seeds have nothing in common.
/// Generator and mappings are spelled out here because they are part of what a seed promises.
#[derive(Debug)]
pub(crate) struct TreeRandom(Xoshiro256PlusPlus);

impl TreeRandom {
    pub(crate) fn new(seed: u64, tree: usize) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(mix(mix(seed) ^ tree as u64)))
    }

    /// A number in `[0, 1)`, a multiple of 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * 2.0_f64.powi(-53)
    }

    /// A whole number below `n`: the upper half of a 128-bit product, whose bias is less than
    /// `n / 2^64`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let product = u128::from(self.0.next_u64()) * n as u128;
        #[expect(clippy::cast_possible_truncation, reason = "the upper half is below n")]
        let upper = (product >> 64) as usize;
        upper
    }
}

/// A step of splitmix64: a bijection in which every input bit changes every output bit.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Draws rows without replacement in time and memory that do not depend on the number of rows,
/// but for one flag per row that all trees share.
///
/// Floyd's algorithm: Bentley and Floyd (1987), <https://doi.org/10.1145/30401.315746>.
#[derive(Debug)]
pub(crate) struct Sampler {
    // Invariant: false between two draws.
    taken: Vec<bool>,
}

impl Sampler {
    pub(crate) fn new(n_rows: usize) -> Self {
        Self { taken: vec![false; n_rows] }
    }

    /// `count` different rows, at most all of them.
    pub(crate) fn draw(&mut self, count: usize, random: &mut TreeRandom) -> Vec<usize> {
        let n_rows = self.taken.len();
        let mut rows = Vec::with_capacity(count);
        for last in n_rows - count.min(n_rows)..n_rows {
            let candidate = random.below(last + 1);
            let row = if self.taken[candidate] { last } else { candidate };
            self.taken[row] = true;
            rows.push(row);
        }
        for &row in &rows {
            self.taken[row] = false;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn numbers(seed: u64, tree: usize) -> [u64; 4] {
        let mut random = TreeRandom::new(seed, tree);
        std::array::from_fn(|_| random.0.next_u64())
    }

    #[test]
    fn trees_and_seeds_have_numbers_of_their_own() {
        let seeds = [0, 1, 2, 3, u64::MAX - 1, u64::MAX];
        let different: HashSet<_> =
            seeds.iter().flat_map(|&seed| (0..1000).map(move |tree| numbers(seed, tree))).collect();
        assert_eq!(different.len(), seeds.len() * 1000);
    }

    #[test]
    fn the_numbers_of_a_seed_are_a_promise() {
        // splitmix64 and xoshiro256++ in Python: mix(mix(7) ^ 3) gives four words of state.
        let expected =
            [10_076_371_451_302_012_847, 11_721_755_629_401_973_580, 1_635_651_872_200_125_521];
        assert_eq!(numbers(7, 3)[..3], expected);
    }

    #[test]
    fn whole_numbers_and_fractions_cover_their_ranges_evenly() {
        let mut random = TreeRandom::new(1, 0);
        let mut counts = [0_u32; 5];
        let mut sum = 0.0;
        for _ in 0..50_000 {
            counts[random.below(5)] += 1;
            let unit = random.unit();
            assert!((0.0..1.0).contains(&unit));
            sum += unit;
        }
        // Five standard deviations: 5 sqrt(50000 * 0.2 * 0.8) = 447, 5 sqrt(50000 / 12) = 323.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 447), "{counts:?}");
        assert!((sum - 25_000.0).abs() < 323.0, "{sum}");
    }

    #[test]
    fn a_draw_has_no_row_twice_and_every_row_as_often_as_the_others() {
        let mut sampler = Sampler::new(20);
        let mut random = TreeRandom::new(1, 0);
        let mut counts = [0_u32; 20];
        for _ in 0..10_000 {
            let rows = sampler.draw(8, &mut random);
            assert_eq!(rows.iter().collect::<HashSet<_>>().len(), 8);
            for row in rows {
                counts[row] += 1;
            }
        }
        // Five standard deviations: 5 sqrt(10000 * 0.4 * 0.6) = 245.
        assert!(counts.iter().all(|&count| count.abs_diff(4000) < 245), "{counts:?}");
        let mut all = sampler.draw(50, &mut random);
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
    }
}
