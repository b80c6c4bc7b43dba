use mlops_core::Random;

use super::criterion::Criterion;
use super::table::Table;
use crate::special::hypergeometric;

/// What was found out by random draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sampled {
    pub(super) p_value: f64,
    /// How many draws were at least as far off as the observed one.
    pub(super) reached: u64,
}

/// The share of random draws that are at least as far off as the observed one, counted until there
/// are enough of them; `None` if there is no time for a useful number of draws.
///
/// The random numbers follow from the totals: equal tables have equal p-values.
pub(super) fn sample(
    table: &Table<'_>,
    criterion: Criterion<'_>,
    below: &mut Vec<u64>,
) -> Option<Sampled> {
    let draws = affordable_draws(table);
    if draws < FEWEST_DRAWS {
        return None;
    }
    let deal = Deal::new(table, criterion, below);
    let seed = table
        .columns
        .iter()
        .fold(table.drawn, |seed, column| Random::stream(seed, column.total).bits());
    let mut random = Random::new(seed);
    let mut reached = 0;
    for draw in 1..=draws {
        if deal.is_reached_by_next(&mut random) {
            reached += 1;
            if reached == ENOUGH {
                return Some(Sampled { p_value: reached as f64 / draw as f64, reached });
            }
        }
    }
    Some(Sampled { p_value: (reached + 1) as f64 / (draws + 1) as f64, reached })
}

/// How the smaller sample is dealt out: halves of the categories share what is drawn from both,
/// then quarters, and so on.
#[derive(Debug)]
struct Deal<'a> {
    criterion: Criterion<'a>,
    drawn: u64,
    /// For each category the number of values in those before it, and at the end that of all.
    below: &'a [u64],
}

impl<'a> Deal<'a> {
    fn new(table: &Table<'_>, criterion: Criterion<'a>, below: &'a mut Vec<u64>) -> Self {
        let totals = table.columns.iter().scan(0, |below, column| {
            *below += column.total;
            Some(*below)
        });
        below.clear();
        below.extend(std::iter::once(0).chain(totals));
        Self { criterion, drawn: table.drawn, below }
    }

    fn is_reached_by_next(&self, random: &mut Random) -> bool {
        let sum = self.sum(random, 0, self.below.len() - 1, self.drawn);
        self.criterion.is_reached(sum)
    }

    /// T of a random draw of `drawn` values from the categories `first..end`.
    fn sum(&self, random: &mut Random, first: usize, end: usize, drawn: u64) -> u128 {
        if drawn == 0 {
            return 0;
        }
        if end - first == 1 {
            return self.criterion.term(first, drawn);
        }
        let middle = first.midpoint(end);
        let (marked, total) =
            (self.below[middle] - self.below[first], self.below[end] - self.below[first]);
        let count = hypergeometric::draw(random, marked, drawn, total);
        self.sum(random, first, middle, count) + self.sum(random, middle, end, drawn - count)
    }
}

/// How many draws there is time for.
fn affordable_draws(table: &Table<'_>) -> u64 {
    let categories = table.columns.len() as u64;
    // A value is in one half, one quarter and so on; each of them takes about the time of 32 steps
    // from the mode to a neighbour, and as many steps as it takes to what is drawn.
    let depth = u64::from(categories.ilog2()) + 1;
    let parts = categories.min(table.drawn.saturating_mul(depth));
    let steps = parts.saturating_mul(32 + table.drawn.isqrt());
    (MOST_STEPS / steps).min(MOST_DRAWS)
}

/// With these many draws that are as far off, the p-value has a standard error of 7 %.
const ENOUGH: u64 = 200;

/// The smallest p-value is 1 / 10 000.
const MOST_DRAWS: u64 = 9_999;

/// The smallest p-value is 1 / 100.
const FEWEST_DRAWS: u64 = 99;

/// About a tenth of a second.
const MOST_STEPS: u64 = 1 << 25;

#[cfg(test)]
mod tests {
    use super::super::exact::{Weights, enumerate};
    use super::*;

    fn sampled(reference: &[u64], batch: &[u64]) -> Sampled {
        let mut columns = vec![];
        let table = Table::new(reference, batch, &mut columns).unwrap();
        sample(&table, Criterion::new(&table, &mut vec![]), &mut vec![]).unwrap()
    }

    fn enumerated(reference: &[u64], batch: &[u64]) -> f64 {
        let mut columns = vec![];
        let table = Table::new(reference, batch, &mut columns).unwrap();
        enumerate(&table, Criterion::new(&table, &mut vec![]), &mut Weights::default())
    }

    #[test]
    fn p_values_are_within_their_standard_error_of_the_exact_ones() {
        let reference = [900, 400, 80, 20];
        let mut outside = 0;
        for batch in [
            [40, 15, 4, 1],
            [35, 20, 4, 1],
            [32, 19, 7, 2],
            [33, 22, 1, 4],
            [38, 10, 8, 4],
            [30, 20, 5, 5],
            [50, 0, 10, 0],
            [20, 20, 10, 10],
        ] {
            let sampled = sampled(&reference, &batch).p_value;
            let exact = enumerated(&reference, &batch);
            // Of a count of ENOUGH, or of one in MOST_DRAWS draws.
            let by_count = exact * ((1.0 - exact) / ENOUGH as f64).sqrt();
            let by_draws = (exact * (1.0 - exact) / MOST_DRAWS as f64).sqrt();
            let error = by_count.max(by_draws) + 1e-4;
            assert!((sampled - exact).abs() < 3.0 * error, "{batch:?}: {sampled} {exact}");
            outside += u32::from((sampled - exact).abs() > error);
        }
        assert!(outside <= 4, "{outside} of 8 are more than a standard error off");
    }

    #[test]
    fn equal_counts_have_equal_p_values() {
        let (reference, batch) = ([900, 400, 80, 20, 3], [60, 40, 12, 3, 1]);
        let p_value = |order: [usize; 5]| {
            let pick = |counts: [u64; 5]| order.map(|category| counts[category]);
            sampled(&pick(reference), &pick(batch)).p_value.to_bits()
        };
        assert_eq!(p_value([0, 1, 2, 3, 4]), p_value([3, 1, 4, 0, 2]));
    }

    #[test]
    fn the_observed_draw_counts_as_one() {
        let sampled = sampled(&[4000, 900, 100, 0], &[0, 0, 0, 100]);
        assert_eq!(sampled, Sampled { p_value: 1e-4, reached: 0 });
    }

    #[test]
    fn draws_are_limited_by_the_time_that_they_take() {
        let draws = |categories: usize, each: u64| {
            let counts = vec![each; categories];
            let mut columns = vec![];
            affordable_draws(&Table::new(&counts, &counts, &mut columns).unwrap())
        };
        assert_eq!(draws(10, 10), MOST_DRAWS);
        assert!((FEWEST_DRAWS..MOST_DRAWS).contains(&draws(1_000, 10)));
        assert!(draws(100_000, 10) < FEWEST_DRAWS);
        assert!(draws(3, 1 << 50) < FEWEST_DRAWS);
    }
}
