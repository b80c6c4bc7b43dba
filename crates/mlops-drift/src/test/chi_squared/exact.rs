use super::Table;
use crate::special::binomial::Binomial;
use crate::special::hypergeometric;

/// The probability, given all column totals, that a random draw is at least as far off as the
/// observed one; `None` where the asymptotic one is good enough or this one would take too long.
pub(super) fn exact_p_value(table: &Table) -> Option<f64> {
    match table.columns.len() {
        1 => Some(1.0),
        2 => Some(two_categories(table)),
        _ if table.least_expected() < 5.0 && has_few_draws(table) => {
            Some(Enumeration::new(table).sum())
        }
        _ => None,
    }
}

/// Both tails of the hypergeometric law: X^2 grows with the distance of either count from its mean.
fn two_categories(table: &Table) -> f64 {
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

/// All ways to draw, with their probabilities.
///
/// ```text
/// P(b) = prod C(c_j, b_j) / C(N, m)        X^2 grows with T = sum b_j^2 / c_j
/// ```
///
/// T is summed in integers: each `1 / c_j` is rounded down to a multiple of `2^-scale`, which loses
/// less than `slack` in the sum.
#[derive(Debug)]
struct Enumeration {
    categories: Vec<Category>,
    drawn: u64,
    /// The probability to draw nothing from any category.
    nothing: f64,
    observed: u128,
    slack: u128,
}

#[derive(Debug)]
struct Category {
    /// For each count, its probability relative to that of 0.
    weights: Vec<f64>,
    /// `1 / c` in multiples of `2^-scale`.
    inverse_total: u128,
}

impl Enumeration {
    fn new(table: &Table) -> Self {
        let Table { columns, drawn, total } = table;
        let labels = Binomial::with_odds(*drawn, total - drawn);
        // T is at most `drawn`: this leaves room for it and for the slack.
        let scale = 126 - (u64::BITS - drawn.leading_zeros());
        let categories: Vec<Category> = columns
            .iter()
            .map(|column| Category {
                weights: weights(column.total, *drawn, labels.odds()),
                inverse_total: (1_u128 << scale) / u128::from(column.total),
            })
            .collect();
        let squares = columns.iter().map(|column| u128::from(column.drawn).pow(2));
        let observed = squares
            .zip(&categories)
            .map(|(square, category)| square * category.inverse_total)
            .sum();
        let nothing = labels.pmf(0, *total) / labels.pmf(*drawn, *total);
        Self { categories, drawn: *drawn, nothing, observed, slack: u128::from(*drawn).pow(2) }
    }

    /// The probability of all draws that are at least as far off as the observed one.
    fn sum(&self) -> f64 {
        self.sum_from(0, self.drawn, self.nothing, 0)
    }

    /// The same for `left` draws from the categories from `first` on, after others of probability
    /// `weight`.
    fn sum_from(&self, first: usize, left: u64, weight: f64, statistic: u128) -> f64 {
        if left == 0 {
            let reached = statistic + self.slack >= self.observed;
            return if reached { weight } else { 0.0 };
        }
        let last = self.categories.len() - 1;
        let mut sum = 0.0;
        for (index, category) in self.categories.iter().enumerate().skip(first) {
            // What is left at the last category must come from there.
            let fewest = if index == last { left } else { 1 };
            let counts = (0_u64..).zip(&category.weights);
            for (count, relative) in counts.take_while(|(count, _)| *count <= left) {
                if count < fewest {
                    continue;
                }
                let statistic = statistic + u128::from(count).pow(2) * category.inverse_total;
                sum += self.sum_from(index + 1, left - count, weight * relative, statistic);
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
fn has_few_draws(table: &Table) -> bool {
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
        let table = Table::new(&[30, 28, 42, 7], &[2, 2, 3, 1]).unwrap();
        let all = Enumeration { observed: 0, ..Enumeration::new(&table) };
        assert!((all.sum() - 1.0).abs() < 1e-13);
    }

    #[test]
    fn two_categories_are_summed_as_they_are_enumerated() {
        for reference in [[1, 1], [7, 3], [20, 400], [13, 13]] {
            for batch in [[0, 1], [1, 0], [2, 2], [5, 0], [3, 9]] {
                let table = Table::new(&reference, &batch).unwrap();
                let (summed, enumerated) = (two_categories(&table), Enumeration::new(&table).sum());
                let error = (summed / enumerated - 1.0).abs();
                assert!(error < 1e-12, "{reference:?} {batch:?}: {summed} {enumerated}");
            }
        }
    }
}
