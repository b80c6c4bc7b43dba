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
        let n_categories = self.below.len() - 1;
        let sum = match usize::try_from(self.drawn) {
            Ok(drawn) if drawn <= FEW.min(n_categories) => self.sum_of_few(random, drawn),
            _ => self.sum(random, 0, n_categories, self.drawn),
        };
        self.criterion.is_reached(sum)
    }

    /// T of a random draw of a few values: they are drawn one by one, and those that were drawn before
    /// are stepped over.
    fn sum_of_few(&self, random: &mut Random, drawn: usize) -> u128 {
        let total = self.below[self.below.len() - 1];
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let mut places = [0; FEW];
        for n_drawn in 0..drawn {
            let mut place = random.below(total - n_drawn) as u64;
            let mut at = 0;
            while at < n_drawn && places[at] <= place {
                place += 1;
                at += 1;
            }
            places.copy_within(at..n_drawn, at + 1);
            places[at] = place;
        }
        let mut places = places[..drawn].iter();
        let (mut sum, mut category, mut count) = (0, 0, 0);
        let mut next = places.next();
        while let Some(place) = next {
            let is_here = self.below[category] <= *place && *place < self.below[category + 1];
            if is_here {
                count += 1;
                next = places.next();
                continue;
            }
            sum += self.criterion.term(category, count);
            category += self.below[category + 1..].partition_point(|below| below <= place);
            count = 0;
        }
        sum + self.criterion.term(category, count)
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
    if table.drawn <= (FEW as u64).min(categories) {
        // Two steps for each value that is stepped over, and one for each halving of the categories.
        return (MOST_STEPS / (table.drawn * (8 + table.drawn / 2 + depth))).min(MOST_DRAWS);
    }
    let parts = categories.min(table.drawn.saturating_mul(depth));
    let steps = parts.saturating_mul(32 + table.drawn.isqrt());
    (MOST_STEPS / steps).min(MOST_DRAWS)
}

/// So many values are drawn one by one.
const FEW: usize = 64;

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
    fn few_values_are_drawn_as_many_are() {
        // 12 draws from 20 categories, one by one and by halves, have the same law of T.
        let reference: Vec<u64> = (1..=20).map(|size| 3 * size).collect();
        let mut batch = vec![0; 20];
        batch[..12].fill(1);
        let mut columns = vec![];
        let table = Table::new(&reference, &batch, &mut columns).unwrap();
        let (mut inverse, mut below) = (vec![], vec![]);
        let deal = Deal::new(&table, Criterion::new(&table, &mut inverse), &mut below);
        let mut random = Random::new(5);
        let mut mean = |draw: &dyn Fn(&mut Random) -> u128| {
            let sums: Vec<f64> = (0..20_000).map(|_| draw(&mut random) as f64).collect();
            let mean = sums.iter().sum::<f64>() / 20_000.0;
            let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / 20_000.0;
            (mean, (variance / 20_000.0).sqrt())
        };
        let few = mean(&|random| deal.sum_of_few(random, 12));
        let many = mean(&|random| deal.sum(random, 0, 20, 12));
        let error = (few.0 - many.0).abs() / few.1.hypot(many.1);
        assert!(error < 3.0, "{few:?} {many:?}");
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
