use super::criterion::Criterion;
use super::table::Table;
use crate::special::binomial::Binomial;
use crate::special::hypergeometric;

/// The probability that a random draw from two categories is at least as far off as the observed
/// one: both tails of the hypergeometric law, as X^2 grows with the distance of either count from
/// its mean.
pub(super) fn two_categories(table: &Table<'_>) -> f64 {
    let column = table.columns[0];
    let deviation = table.deviation(column);
    if deviation == 0 {
        return 1.0;
    }
    let total = u128::from(table.total);
    let mean = u128::from(column.total) * u128::from(table.drawn);
    let upper = (mean + deviation).div_ceil(total);
    let lower = mean.checked_sub(deviation).map(|lower| lower / total);
    if lower.is_some_and(|lower| upper <= lower + 1) {
        // No count is between them.
        return 1.0;
    }
    let tail = |count: Option<u128>, marked: u64| {
        let count = count.and_then(|count| u64::try_from(count).ok());
        count.map_or(0.0, |count| {
            hypergeometric::upper_tail(count, marked, table.drawn, table.total)
        })
    };
    // Few of one category are many of the other.
    let many_of_other = lower.map(|lower| u128::from(table.drawn) - lower);
    tail(Some(upper), column.total) + tail(many_of_other, table.total - column.total)
}

/// The probability that a random draw is at least as far off as the observed one: the sum over all
/// ways to draw.
pub(super) fn enumerate(table: &Table<'_>, criterion: Criterion<'_>, weights: &mut Weights) -> f64 {
    Enumeration::new(table, criterion, weights).sum()
}

/// For each category and count, the probability relative to that of 0.
#[derive(Debug, Default)]
pub(super) struct Weights {
    weights: Vec<f64>,
    // Where those of each category end.
    ends: Vec<usize>,
}

impl Weights {
    /// Takes memory for tables of at most as many categories and draws, of those that are enumerated.
    pub(super) fn reserve(&mut self, n_categories: usize, n_drawn: usize) {
        self.ends.clear();
        self.ends.reserve(n_categories);
        self.weights.clear();
        // With one draw there are as many ways as categories; with more, fewer categories.
        let most = n_categories.saturating_mul(n_drawn + 1);
        self.weights.reserve(most.min(MOST_WEIGHTS));
    }

    /// Takes those of a table: `C(total, count) odds^count`.
    fn refill(&mut self, table: &Table<'_>, odds: f64) {
        self.weights.clear();
        self.ends.clear();
        for column in table.columns {
            let mut weight = 1.0;
            self.weights.push(weight);
            for count in 1..=column.total.min(table.drawn) {
                weight *= (column.total - count + 1) as f64 / count as f64 * odds;
                self.weights.push(weight);
            }
            self.ends.push(self.weights.len());
        }
    }

    fn of(&self, category: usize) -> &[f64] {
        let begin = if category == 0 { 0 } else { self.ends[category - 1] };
        &self.weights[begin..self.ends[category]]
    }
}

/// All ways to draw, with their probabilities.
///
/// ```text
/// P(b) = prod C(c_j, b_j) / C(N, m)
/// ```
#[derive(Debug)]
struct Enumeration<'a> {
    weights: &'a Weights,
    n_categories: usize,
    drawn: u64,
    /// The probability to draw nothing from any category.
    nothing: f64,
    criterion: Criterion<'a>,
}

impl<'a> Enumeration<'a> {
    fn new(table: &Table<'_>, criterion: Criterion<'a>, weights: &'a mut Weights) -> Self {
        let Table { columns, drawn, total } = *table;
        let labels = Binomial::with_odds(drawn as f64, (total - drawn) as f64);
        weights.refill(table, labels.odds());
        let nothing = labels.pmf(0, total) / labels.pmf(drawn, total);
        Self { weights, n_categories: columns.len(), drawn, nothing, criterion }
    }

    /// The probability of all draws that are at least as far off as the observed one.
    fn sum(&self) -> f64 {
        self.sum_from(0, self.drawn, self.nothing, 0)
    }

    /// The same for `left` draws from the categories from `first` on, after others of probability
    /// `weight`.
    fn sum_from(&self, first: usize, left: u64, weight: f64, statistic: u128) -> f64 {
        if left == 0 {
            return if self.criterion.is_reached(statistic) { weight } else { 0.0 };
        }
        let last = self.n_categories - 1;
        let mut sum = 0.0;
        for category in first..self.n_categories {
            // What is left at the last category must come from there.
            let fewest = if category == last { left } else { 1 };
            let counts = (0_u64..).zip(self.weights.of(category));
            for (count, relative) in counts.take_while(|(count, _)| *count <= left) {
                if count < fewest {
                    continue;
                }
                let statistic = statistic + self.criterion.term(category, count);
                sum += self.sum_from(category + 1, left - count, weight * relative, statistic);
            }
        }
        sum
    }
}

/// Whether there are at most [`MAX_DRAWS`] ways to draw: `C(m + k - 1, k - 1)` for m draws from k
/// categories.
pub(super) fn has_few_draws(table: &Table<'_>) -> bool {
    let (m, dividers) = (table.drawn, table.columns.len() as u64 - 1);
    let smaller = m.min(dividers);
    let mut ways: u64 = 1;
    for i in 1..=smaller {
        // The product of i numbers up to here is a multiple of i!.
        ways = match ways.checked_mul(m + dividers - smaller + i) {
            Some(product) => product / i,
            None => return false,
        };
        if ways > MAX_DRAWS {
            return false;
        }
    }
    true
}

/// About a millisecond.
const MAX_DRAWS: u64 = 100_000;

/// No table with at most [`MAX_DRAWS`] ways to draw has more weights: two for each way to draw one.
const MOST_WEIGHTS: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum over all draws.
    fn enumerated(table: &Table<'_>) -> f64 {
        enumerate(table, Criterion::new(table, &mut vec![]), &mut Weights::default())
    }

    #[test]
    fn draws_are_counted_without_overflow() {
        let has_few = |categories: usize, drawn: u64| {
            let mut batch = vec![0; categories];
            batch[0] = drawn;
            let mut columns = vec![];
            let table = Table::new(&vec![1 << 20; categories], &batch, &mut columns);
            has_few_draws(&table.unwrap())
        };
        assert!(has_few(3, 445), "C(447, 2) = 99 681");
        assert!(!has_few(3, 446), "C(448, 2) = 100 128");
        assert!(has_few(100_000, 1));
        assert!(!has_few(1_000, 1_000));
    }

    #[test]
    fn the_probabilities_of_all_draws_sum_up_to_one() {
        // The observed draw is the one that is least far off.
        let mut columns = vec![];
        let table = Table::new(&[30, 24, 42, 6], &[5, 4, 7, 1], &mut columns).unwrap();
        assert!((enumerated(&table) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn two_categories_are_summed_as_they_are_enumerated() {
        for reference in [[1, 1], [7, 3], [20, 400], [13, 13]] {
            for batch in [[0, 1], [1, 0], [2, 2], [5, 0], [3, 9]] {
                let mut columns = vec![];
                let table = Table::new(&reference, &batch, &mut columns).unwrap();
                let (summed, enumerated) = (two_categories(&table), enumerated(&table));
                let error = (summed / enumerated - 1.0).abs();
                assert!(error < 1e-12, "{reference:?} {batch:?}: {summed} {enumerated}");
            }
        }
    }
}
