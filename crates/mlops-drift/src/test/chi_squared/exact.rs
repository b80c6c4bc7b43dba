use super::Table;
use super::criterion::Criterion;
use crate::special::binomial::Binomial;
use crate::special::hypergeometric;

/// The probability that a random draw from two categories is at least as far off as the observed
/// one: both tails of the hypergeometric law, as X^2 grows with the distance of either count from
/// its mean.
pub(super) fn two_categories(table: &Table) -> f64 {
    let column = table.columns[0];
    let deviation = table.deviation(column);
    if deviation == 0 {
        return 1.0;
    }
    let total = u128::from(table.total);
    let mean = u128::from(column.total) * u128::from(table.drawn);
    let upper = (mean + deviation).div_ceil(total);
    let lower = mean.checked_sub(deviation).map(|lower| lower / total);
    let tail = |count: Option<u128>, marked: u64| {
        let count = count.and_then(|count| u64::try_from(count).ok());
        count.map_or(0.0, |count| upper_tail(count, marked, table.drawn, table.total))
    };
    // Few of one category are many of the other.
    let many_of_other = lower.map(|lower| u128::from(table.drawn) - lower);
    tail(Some(upper), column.total) + tail(many_of_other, table.total - column.total)
}

/// The probability that `drawn` of `total` things hold `count` or more of the `marked` ones;
/// `count` is at least the mean, from which on the terms fall ever faster.
fn upper_tail(count: u64, marked: u64, drawn: u64, total: u64) -> f64 {
    let most = marked.min(drawn);
    if count > most {
        return 0.0;
    }
    let mut term = hypergeometric::pmf(count, marked, drawn, total);
    let mut sum = term;
    for k in count..most {
        let others = total - marked - (drawn - k) + 1;
        term *= (marked - k) as f64 / (k + 1) as f64 * ((drawn - k) as f64 / others as f64);
        sum += term;
        if term * ((most - k) as f64) < sum * f64::EPSILON / 16.0 {
            break;
        }
    }
    sum
}

/// The probability that a random draw is at least as far off as the observed one: the sum over all
/// ways to draw.
pub(super) fn enumerate(table: &Table) -> f64 {
    Enumeration::new(table).sum()
}

/// All ways to draw, with their probabilities.
///
/// ```text
/// P(b) = prod C(c_j, b_j) / C(N, m)
/// ```
#[derive(Debug)]
struct Enumeration {
    /// For each category and count, the probability relative to that of 0.
    weights: Vec<Vec<f64>>,
    drawn: u64,
    /// The probability to draw nothing from any category.
    nothing: f64,
    criterion: Criterion,
}

impl Enumeration {
    fn new(table: &Table) -> Self {
        let Table { columns, drawn, total } = table;
        let labels = Binomial::with_odds(*drawn as f64, (total - drawn) as f64);
        let weights = columns.iter().map(|column| weights(column.total, *drawn, labels.odds()));
        Self {
            weights: weights.collect(),
            drawn: *drawn,
            nothing: labels.pmf(0, *total) / labels.pmf(*drawn, *total),
            criterion: Criterion::new(table),
        }
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
        let last = self.weights.len() - 1;
        let mut sum = 0.0;
        for (category, weights) in self.weights.iter().enumerate().skip(first) {
            // What is left at the last category must come from there.
            let fewest = if category == last { left } else { 1 };
            let counts = (0_u64..).zip(weights);
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

/// The probability of each possible count of a category, relative to that of 0: `C(total, count)
/// odds^count`.
fn weights(total: u64, drawn: u64, odds: f64) -> Vec<f64> {
    let mut weight = 1.0;
    let mut weights = vec![weight];
    for count in 1..=total.min(drawn) {
        weight *= (total - count + 1) as f64 / count as f64 * odds;
        weights.push(weight);
    }
    weights
}

/// Whether there are at most [`MAX_DRAWS`] ways to draw: `C(m + k - 1, k - 1)` for m draws from k
/// categories.
pub(super) fn has_few_draws(table: &Table) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_counted_without_overflow() {
        let table = |categories: usize, drawn: u64| {
            let mut batch = vec![0; categories];
            batch[0] = drawn;
            Table::new(&vec![1 << 20; categories], &batch).unwrap()
        };
        assert!(has_few_draws(&table(3, 445)), "C(447, 2) = 99 681");
        assert!(!has_few_draws(&table(3, 446)), "C(448, 2) = 100 128");
        assert!(has_few_draws(&table(100_000, 1)));
        assert!(!has_few_draws(&table(1_000, 1_000)));
    }

    #[test]
    fn the_probabilities_of_all_draws_sum_up_to_one() {
        // The observed draw is the one that is least far off.
        let table = Table::new(&[30, 24, 42, 6], &[5, 4, 7, 1]).unwrap();
        assert!((enumerate(&table) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn two_categories_are_summed_as_they_are_enumerated() {
        for reference in [[1, 1], [7, 3], [20, 400], [13, 13]] {
            for batch in [[0, 1], [1, 0], [2, 2], [5, 0], [3, 9]] {
                let table = Table::new(&reference, &batch).unwrap();
                let (summed, enumerated) = (two_categories(&table), enumerate(&table));
                let error = (summed / enumerated - 1.0).abs();
                assert!(error < 1e-12, "{reference:?} {batch:?}: {summed} {enumerated}");
            }
        }
    }
}
