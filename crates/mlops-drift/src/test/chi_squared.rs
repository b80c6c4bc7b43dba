mod exact;

use statrs::function::gamma::checked_gamma_ur;

use self::exact::exact_p_value;
use super::{Method, clamp_p_value};
use crate::{Error, Sample};

/// Tests whether two samples of categories come from the same distribution: chi-squared test of
/// homogeneity, without Yates' correction.
///
/// ```text
/// X^2 = sum over both samples and all categories of (O - E)^2 / E      E = (size of sample) c / N
///     = sum over categories of (b N - c m)^2 / (c n m)
/// ```
///
/// Category by category, `reference` and `batch` hold the counts of n and m values; c is a
/// category's count in both samples together, b that in the batch, N = n + m. A category that
/// neither sample has is left out. One that only the batch has is a category like any other.
///
/// # Method
/// * Two categories: exact. Given what both samples hold together, the counts follow the
///   hypergeometric law, and the p-value is the probability of all counts that are at least as far
///   off, compared as integers.
/// * More, some expected count below 5, and not more than 100 000 ways to deal out the smaller
///   sample: exact. Each way is weighed; two of them are equally far off if their X^2 agree to
///   about 25 digits.
/// * Else asymptotic: `p = Q(d / 2, X^2 / 2)`, the chi-squared survival function with d =
///   categories - 1. With small expected counts this is far too small: for counts 0, 5 against
///   3672, 1200 it is a tenth of the exact value.
///
/// # Edge cases
/// * One category: `X^2 = 0`, `p = 1`.
/// * A p-value below 2.2e-308 is given as that.
///
/// # Errors
/// * [`Error::CategoryCount`] if one sample has more counts than the other
/// * [`Error::EmptySample`] if the counts of a sample sum up to 0
/// * [`Error::TooManyCounts`] if all counts sum up to more than 2^53
///
/// # Examples
/// ```
/// use mlops_drift::chi_squared_homogeneity;
///
/// // Three of four wines were white, and now there are five red ones in a row.
/// let outcome = chi_squared_homogeneity(&[3672, 1200], &[0, 5])?;
/// assert_eq!(outcome.degrees_of_freedom, 1);
/// assert!((outcome.p_value - 9.1507e-4).abs() < 1e-8);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Freeman and Halton (1951), Note on an exact treatment of contingency, goodness of fit and other
/// problems of significance, Biometrika 38, 141-149: the exact law. Compared with SciPy 1.17
/// `chi2_contingency`, and the exact p-values with sums of integer fractions: relative error below
/// 1e-13.
pub fn chi_squared_homogeneity(
    reference: &[u64],
    batch: &[u64],
) -> Result<ChiSquaredOutcome, Error> {
    let table = Table::new(reference, batch)?;
    let statistic = table.statistic();
    let degrees_of_freedom = table.columns.len() - 1;
    let (p_value, method) = match exact_p_value(&table) {
        Some(p_value) => (p_value, Method::Exact),
        None => (survival(statistic, degrees_of_freedom), Method::Asymptotic),
    };
    let p_value = clamp_p_value(p_value);
    Ok(ChiSquaredOutcome { statistic, p_value, degrees_of_freedom, method })
}

/// The result of a chi-squared test of homogeneity.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct ChiSquaredOutcome {
    /// The chi-squared statistic, at least 0.
    pub statistic: f64,
    /// The probability of a statistic at least as large without drift, above 0 and at most 1.
    pub p_value: f64,
    /// The number of categories that either sample has, less one.
    pub degrees_of_freedom: usize,
    /// How the p-value was computed.
    pub method: Method,
}

/// The counts of two samples; the smaller one is seen as drawn from both together.
#[derive(Debug)]
struct Table {
    // Invariant: not empty; each total is positive.
    columns: Vec<Column>,
    // Invariant: positive, at most half of `total`; `total` is at most 2^53.
    drawn: u64,
    total: u64,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    drawn: u64,
    total: u64,
}

impl Table {
    fn new(reference: &[u64], batch: &[u64]) -> Result<Self, Error> {
        if reference.len() != batch.len() {
            return Err(Error::CategoryCount { reference: reference.len(), batch: batch.len() });
        }
        let (n, m) = (sum(reference, Sample::Reference)?, sum(batch, Sample::Batch)?);
        if n + m > MAX_TOTAL {
            return Err(Error::TooManyCounts);
        }
        let (rest, drawn) = if m <= n { (reference, batch) } else { (batch, reference) };
        let columns = rest.iter().zip(drawn);
        let columns = columns.map(|(&rest, &drawn)| Column { drawn, total: rest + drawn });
        let columns = columns.filter(|column| column.total > 0).collect();
        Ok(Self { columns, drawn: n.min(m), total: n + m })
    }

    /// X^2: symmetric in the two samples.
    fn statistic(&self) -> f64 {
        let sum: f64 = self
            .columns
            .iter()
            .map(|column| (self.deviation(*column) as f64).powi(2) / column.total as f64)
            .sum();
        sum / self.drawn as f64 / (self.total - self.drawn) as f64
    }

    /// How far a count is off, times the total.
    fn deviation(&self, column: Column) -> u128 {
        let observed = u128::from(column.drawn) * u128::from(self.total);
        observed.abs_diff(u128::from(column.total) * u128::from(self.drawn))
    }

    /// The smallest expected count.
    fn least_expected(&self) -> f64 {
        let least = self.columns.iter().map(|column| column.total).min().unwrap_or(0);
        least as f64 / self.total as f64 * self.drawn as f64
    }
}

/// The probability that chi-squared with `degrees_of_freedom` reaches `statistic`.
fn survival(statistic: f64, degrees_of_freedom: usize) -> f64 {
    // The only arguments that are refused are those of no deviation and of no freedom.
    checked_gamma_ur(degrees_of_freedom as f64 / 2.0, statistic / 2.0).unwrap_or(1.0)
}

fn sum(counts: &[u64], sample: Sample) -> Result<u64, Error> {
    let sum = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
    match sum {
        Some(0) => Err(Error::EmptySample { sample }),
        Some(sum) if sum <= MAX_TOTAL => Ok(sum),
        _ => Err(Error::TooManyCounts),
    }
}

/// Totals up to here are exact as `f64`, and their products fit into 128 bits.
const MAX_TOTAL: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn golden(kind: &str) -> Vec<Value> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden_drift.json");
        let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let cases = golden["cases"].as_array().unwrap();
        cases.iter().filter(|case| case["kind"] == kind).cloned().collect()
    }

    fn counts(case: &Value, sample: &str) -> Vec<u64> {
        serde_json::from_value(case["input"][sample].clone()).unwrap()
    }

    #[test]
    fn the_asymptotic_test_is_that_of_scipy() {
        let cases = golden("chi2_contingency");
        assert_eq!(cases.len(), 12);
        for case in cases {
            let table = Table::new(&counts(&case, "ref"), &counts(&case, "batch")).unwrap();
            let expected = |key: &str| case["expected"][key].as_f64().unwrap();
            let degrees_of_freedom = table.columns.len() - 1;
            assert_eq!(Some(degrees_of_freedom as u64), case["expected"]["dof"].as_u64());
            let statistic = table.statistic();
            assert!((statistic - expected("statistic")).abs() <= 1e-12 * statistic, "{case}");
            let p_value = survival(statistic, degrees_of_freedom);
            assert!((p_value / expected("p") - 1.0).abs() < 1e-12, "{p_value:e}, {case}");
        }
    }

    #[test]
    fn the_survival_function_is_that_of_scipy() {
        let rows = golden("chi2_sf")[0]["expected"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 63);
        for row in rows {
            let degrees_of_freedom = usize::try_from(row["dof"].as_u64().unwrap()).unwrap();
            let p_value = survival(row["x"].as_f64().unwrap(), degrees_of_freedom);
            assert!(
                (p_value / row["sf"].as_f64().unwrap() - 1.0).abs() < 1e-11,
                "{p_value:e}, {row}"
            );
        }
    }

    #[test]
    fn exact_p_values_are_those_of_sums_of_fractions() {
        let cases = golden("chi2_exact_2xk");
        assert_eq!(cases.len(), 17);
        for case in cases {
            let outcome =
                chi_squared_homogeneity(&counts(&case, "ref"), &counts(&case, "batch")).unwrap();
            assert_eq!(outcome.method, Method::Exact, "{case}");
            let expected = case["expected"]["p"].as_f64().unwrap();
            let error = (outcome.p_value / expected - 1.0).abs();
            assert!(error < 1e-12, "{error:e}, {case}");
        }
    }

    #[test]
    fn large_expected_counts_need_no_enumeration() {
        let outcome = chi_squared_homogeneity(&[100, 100, 100], &[10, 10, 10]).unwrap();
        assert_eq!(outcome.method, Method::Asymptotic);
        assert_eq!((outcome.statistic, outcome.p_value), (0.0, 1.0));
    }

    #[test]
    fn a_million_categories_are_answered() {
        let reference = vec![1; 1_000_000];
        let mut batch = vec![0; 1_000_000];
        batch[17] = 1;
        let outcome = chi_squared_homogeneity(&reference, &batch).unwrap();
        assert_eq!(outcome.method, Method::Asymptotic);
        assert!(outcome.p_value > 0.0 && outcome.p_value <= 1.0, "{outcome:?}");
    }

    #[test]
    fn counts_are_checked() {
        let test = chi_squared_homogeneity;
        assert_eq!(test(&[1, 2], &[1]), Err(Error::CategoryCount { reference: 2, batch: 1 }));
        assert_eq!(test(&[0, 0], &[1, 2]), Err(Error::EmptySample { sample: Sample::Reference }));
        assert_eq!(test(&[1], &[0]), Err(Error::EmptySample { sample: Sample::Batch }));
        assert_eq!(test(&[], &[]), Err(Error::EmptySample { sample: Sample::Reference }));
        assert_eq!(test(&[u64::MAX, 1], &[1, 0]), Err(Error::TooManyCounts));
        assert_eq!(test(&[1 << 53, 0], &[1, 0]), Err(Error::TooManyCounts));
        let huge = test(&[1 << 52, 1], &[1 << 51, 7]).unwrap();
        assert!(huge.p_value > 0.0 && huge.p_value < 1.0, "{huge:?}");
    }

    fn rows(most: u64) -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
        (2_usize..6)
            .prop_flat_map(move |k| {
                let row = move || prop::collection::vec(0..=most, k);
                (row(), row())
            })
            .prop_filter("both samples hold something", |(reference, batch)| {
                reference.iter().sum::<u64>() > 0 && batch.iter().sum::<u64>() > 0
            })
    }

    proptest! {
        #[test]
        fn order_of_categories_and_samples_does_not_matter((reference, batch) in rows(9)) {
            let outcome = chi_squared_homogeneity(&reference, &batch)?;
            prop_assert!(outcome.p_value > 0.0 && outcome.p_value <= 1.0);
            let reversed = |row: &[u64]| row.iter().rev().copied().chain([0]).collect::<Vec<_>>();
            for other in [
                chi_squared_homogeneity(&batch, &reference)?,
                chi_squared_homogeneity(&reversed(&reference), &reversed(&batch))?,
            ] {
                prop_assert_eq!(other.degrees_of_freedom, outcome.degrees_of_freedom);
                prop_assert_eq!(other.method, outcome.method);
                let difference = (other.statistic - outcome.statistic).abs();
                prop_assert!(difference <= 1e-12 * outcome.statistic);
                prop_assert!((other.p_value / outcome.p_value - 1.0).abs() < 1e-12);
            }
        }
    }
}
