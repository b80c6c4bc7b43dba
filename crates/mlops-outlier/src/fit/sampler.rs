use mlops_core::Random;

/// Draws rows without replacement in time and memory that do not depend on the number of rows,
/// but for one flag per row that the trees of a thread share.
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
    pub(crate) fn draw(&mut self, count: usize, random: &mut Random) -> Vec<usize> {
        let n_rows = self.taken.len();
        let count = count.min(n_rows);
        let mut rows = Vec::with_capacity(count);
        for last in n_rows - count..n_rows {
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

    #[test]
    fn a_draw_has_no_row_twice_and_every_row_as_often_as_the_others() {
        let mut sampler = Sampler::new(20);
        let mut random = Random::new(1);
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
