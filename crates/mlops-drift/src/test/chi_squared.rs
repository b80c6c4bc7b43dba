mod criterion;
mod exact;
mod monte_carlo;
mod table;

use mlops_core::PValueMethod;

use self::criterion::Criterion;
use self::exact::Weights;
use self::monte_carlo::Sampled;
use self::table::{Column, Table};
use super::clamp_p_value;
use crate::Error;

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
/// * More, every expected count at least 5, and a p-value of at least 0.01 by this law: asymptotic,
///   `p = Q(d / 2, X^2 / 2)`, the chi-squared survival function with d = categories - 1. Smaller
///   ones are too small: with a rarest expected count of 5, by a factor of 1.7 at 0.001, of 3 at
///   1e-4 and of 100 at 1e-8, and with smaller counts by orders of magnitude: for counts 0, 5
///   against 3672, 1200 a tenth of the exact value.
/// * More, and not more than 100 000 ways to deal out the smaller sample: exact. Each way is
///   weighed; two of them are equally far off if their T, see below, agree to a part in 10^25 or
///   so.
/// * More, and more ways: Monte Carlo. The smaller sample is dealt out at random until 200 deals
///   are as far off as the observed one, or 9999 times: `p = 200 / deals`, or `(1 + number as far
///   off) / 10 000`. So the p-value has a standard error of 7 % or less where it is above 0.02. It
///   keeps its level whatever its error, on average over the totals, from which the random numbers
///   follow: the same counts have the same p-value, in any order. If no deal is as far off, the
///   p-value is that of a simpler exact test, if it is below 0.0001: of the category that is
///   farthest off against all others, times the number of categories. It is asked first, and no
///   deal is made where it is below 1e-10. A p-value below 0.0001 can be orders of magnitude larger
///   than that of X^2. Where 10 000 deals would take more than about 0.1 seconds, as with thousands
///   of categories and rows, there are fewer of them; with less than 99 the p-value is asymptotic.
///
/// X^2 grows with `T = sum b^2 / c`, which is compared in integers.
///
/// Two categories take time in proportion to the smaller counts, and a second for some 10^14
/// values.
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
/// problems of significance, Biometrika 38, 141-149: the exact law. Besag and Clifford (1991),
/// Sequential Monte Carlo p-values, Biometrika 78, 301-304. Compared with SciPy 1.17
/// `chi2_contingency`, and the exact p-values with sums of integer fractions: relative error below
/// 1e-13.
pub fn chi_squared_homogeneity(
    reference: &[u64],
    batch: &[u64],
) -> Result<ChiSquaredOutcome, Error> {
    compare(reference, batch, &mut Memory::default())
}

/// What a test is done in, kept so that it is allocated once.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    columns: Vec<Column>,
    criterion: Vec<u128>,
    weights: Weights,
    deal: Vec<u64>,
}

impl Memory {
    /// Takes memory for tables of at most as many categories, in which the smaller sample has at
    /// most as many values.
    pub(crate) fn reserve(&mut self, n_categories: usize, n_drawn: usize) {
        let Self { columns, criterion, weights, deal } = self;
        columns.clear();
        columns.reserve(n_categories);
        criterion.clear();
        criterion.reserve(n_categories);
        deal.clear();
        deal.reserve(n_categories + 1);
        weights.reserve(n_categories, n_drawn);
    }
}

/// How the counts of both samples are compared, category by category.
pub(crate) type ChiSquaredComparison =
    fn(&[u64], &[u64], &mut Memory) -> Result<ChiSquaredOutcome, Error>;

/// [`chi_squared_homogeneity`] in memory that is there.
pub(crate) fn compare(
    reference: &[u64],
    batch: &[u64],
    memory: &mut Memory,
) -> Result<ChiSquaredOutcome, Error> {
    let Memory { columns, criterion, weights, deal } = memory;
    let table = Table::new(reference, batch, columns)?;
    if let Some(outcome) = table.near_its_limit() {
        return Ok(outcome);
    }
    let conditional = match table.columns.len() {
        1 => Some((1.0, PValueMethod::Exact)),
        2 => Some((exact::two_categories(&table), PValueMethod::Exact)),
        _ if exact::has_few_draws(&table) => {
            let criterion = Criterion::new(&table, criterion);
            Some((exact::enumerate(&table, criterion, weights), PValueMethod::Exact))
        }
        _ => {
            let simple = simple_p_value(&table);
            if simple < BELOW_ALL_DRAWS {
                Some((simple, PValueMethod::Exact))
            } else {
                let criterion = Criterion::new(&table, criterion);
                let sampled = monte_carlo::sample(&table, criterion, deal);
                sampled.map(|sampled| refined(sampled, simple))
            }
        }
    };
    Ok(match conditional {
        Some((p_value, method)) => ChiSquaredOutcome {
            statistic: table.statistic(0.0),
            p_value: clamp_p_value(p_value),
            degrees_of_freedom: table.degrees_of_freedom(),
            method,
        },
        None => table.asymptotic(0.0),
    })
}

/// The p-value of random draws; where none was as far off as the observed one, that of the simpler
/// test, if it is smaller.
///
/// At levels that random draws can tell, this is their p-value, and below that of a test whose cells
/// follow from the totals alone: both keep their level, and so does this.
fn refined(sampled: Sampled, simple: f64) -> (f64, PValueMethod) {
    if sampled.reached == 0 && simple < sampled.p_value {
        (simple, PValueMethod::Exact)
    } else {
        (sampled.p_value, PValueMethod::MonteCarlo)
    }
}

/// The exact p-value of the category that is farthest off against all others, times the number of
/// categories.
fn simple_p_value(table: &Table<'_>) -> f64 {
    let alone = Table { columns: &[table.farthest()], ..*table };
    (table.columns.len() as f64 * exact::two_categories(&alone)).min(1.0)
}

/// Where the simpler test is so sure, random draws are not asked: that adds less than a
/// thousandth of a thousandth to the share of false alarms at any level that they can tell.
const BELOW_ALL_DRAWS: f64 = 1e-10;

/// Tests whether two samples of categories come from the same distribution: the test of SciPy's
/// `chi2_contingency`, for answers that must equal those of SciPy or of what is built on it.
///
/// The p-value is asymptotic at any size. With two categories, Yates' correction takes 1/2 from
/// each `|O - E|`, at most all of it; the statistic is the corrected one.
///
/// Small counts make the p-value too small by orders of magnitude, and with one or two values in
/// the batch Yates' correction makes it 1. [`chi_squared_homogeneity`] is exact there.
///
/// # Edge cases
/// As [`chi_squared_homogeneity`]. (SciPy refuses tables with a category that neither sample has.)
///
/// # Errors
/// As [`chi_squared_homogeneity`].
///
/// # Examples
/// ```
/// use mlops_drift::chi_squared_contingency;
///
/// // scipy.stats.chi2_contingency([[12, 3], [5, 10]]).pvalue
/// let outcome = chi_squared_contingency(&[12, 3], &[5, 10])?;
/// assert!((outcome.p_value - 0.027_061_581_911_647_092).abs() < 1e-15);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Yates (1934), Contingency tables involving small numbers and the chi-squared test, Supplement to
/// the Journal of the Royal Statistical Society 1, 217-235.
pub fn chi_squared_contingency(
    reference: &[u64],
    batch: &[u64],
) -> Result<ChiSquaredOutcome, Error> {
    compare_asymptotically(reference, batch, &mut Memory::default())
}

/// [`chi_squared_contingency`] in memory that is there.
pub(crate) fn compare_asymptotically(
    reference: &[u64],
    batch: &[u64],
    memory: &mut Memory,
) -> Result<ChiSquaredOutcome, Error> {
    let table = Table::new(reference, batch, &mut memory.columns)?;
    let correction = if table.degrees_of_freedom() == 1 { 0.5 } else { 0.0 };
    Ok(table.asymptotic(correction))
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
    pub method: PValueMethod,
}

impl ChiSquaredOutcome {
    /// The decimal logarithm of the p-value, from -307.7 to 0.
    pub fn log10_p_value(&self) -> f64 {
        self.p_value.log10()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::law;
    use crate::test::golden;

    fn counts(case: &Value, sample: &str) -> Vec<u64> {
        serde_json::from_value(case["input"][sample].clone()).unwrap()
    }

    #[test]
    fn the_asymptotic_test_is_that_of_scipy() {
        let cases = golden("chi2_contingency");
        assert_eq!(cases.len(), 12);
        for case in cases {
            let (reference, batch) = (counts(&case, "ref"), counts(&case, "batch"));
            let expected = |key: &str| case["expected"][key].as_f64().unwrap();
            let mut columns = vec![];
            let plain = Table::new(&reference, &batch, &mut columns).unwrap().asymptotic(0.0);
            let corrected =
                compare_asymptotically(&reference, &batch, &mut Memory::default()).unwrap();
            for (outcome, statistic, p_value) in
                [(plain, "statistic", "p"), (corrected, "yates_statistic", "yates_p")]
            {
                let degrees_of_freedom = outcome.degrees_of_freedom as u64;
                assert_eq!(Some(degrees_of_freedom), case["expected"]["dof"].as_u64());
                let difference = (outcome.statistic - expected(statistic)).abs();
                assert!(difference <= 1e-12 * outcome.statistic, "{outcome:?}, {case}");
                let error = (outcome.p_value / expected(p_value) - 1.0).abs();
                assert!(error < 1e-12, "{outcome:?}, {case}");
            }
        }
    }

    #[test]
    fn the_survival_function_is_that_of_scipy() {
        let rows = golden("chi2_sf")[0]["expected"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 63);
        for row in rows {
            let degrees_of_freedom = usize::try_from(row["dof"].as_u64().unwrap()).unwrap();
            let p_value = law::chi_squared_survival(row["x"].as_f64().unwrap(), degrees_of_freedom);
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
            assert_eq!(outcome.method, PValueMethod::Exact, "{case}");
            let expected = case["expected"]["p"].as_f64().unwrap();
            let error = (outcome.p_value / expected - 1.0).abs();
            assert!(error < 1e-12, "{error:e}, {case}");
        }
    }

    #[test]
    fn a_rare_category_does_not_hide_a_large_shift() {
        // Three of four wines were white; now all are red, but for two of a colour that is new.
        let without = chi_squared_homogeneity(&[3672, 1200], &[0, 200]).unwrap();
        let outcome = chi_squared_homogeneity(&[3672, 1200, 0], &[0, 198, 2]).unwrap();
        assert!(without.p_value < 1e-100 && outcome.p_value < 1e-100, "{outcome:?}");
        // Many rare categories are pooled until they are expected often enough.
        let mut reference = [3000, 1800, 40, 30, 20, 10, 5];
        let batch = [10, 380, 2, 2, 2, 2, 2];
        let outcome = chi_squared_homogeneity(&reference, &batch).unwrap();
        assert!(outcome.p_value < 1e-30, "{outcome:?}");
        // A new category of a fifth of the batch is as odd as it is by itself, as one of four.
        let outcome = chi_squared_homogeneity(&[1000, 500, 500, 0], &[80, 40, 40, 40]).unwrap();
        let alone = chi_squared_homogeneity(&[2000, 0], &[160, 40]).unwrap();
        assert_eq!(outcome.method, PValueMethod::Exact);
        assert!((outcome.p_value / (4.0 * alone.p_value) - 1.0).abs() < 1e-12, "{outcome:?}");
        // A reference that holds each category equally often is as good as any.
        let mut batch = [10; 101];
        for (category, count) in batch.iter_mut().enumerate() {
            *count = [6, 14][category % 2];
        }
        let outcome = chi_squared_homogeneity(&[5000; 101], &batch).unwrap();
        assert!(outcome.p_value > 1e-5, "{outcome:?}");
        // What is only as odd as its rare categories is not made more of.
        reference = [3000, 1800, 0, 0, 0, 0, 0];
        let outcome = chi_squared_homogeneity(&reference, &[126, 74, 1, 0, 0, 0, 0]).unwrap();
        assert!(outcome.p_value > 0.01, "{outcome:?}");
    }

    #[test]
    fn large_expected_counts_need_no_enumeration() {
        let outcome = chi_squared_homogeneity(&[100, 100, 100], &[10, 10, 10]).unwrap();
        assert_eq!(outcome.method, PValueMethod::Asymptotic);
        assert_eq!((outcome.statistic, outcome.p_value), (0.0, 1.0));
    }

    #[test]
    fn a_million_categories_are_answered() {
        let reference = vec![1; 1_000_000];
        let mut batch = vec![0; 1_000_000];
        batch[17] = 1;
        let outcome = chi_squared_homogeneity(&reference, &batch).unwrap();
        // Each of them but one is as far off.
        assert_eq!((outcome.p_value, outcome.method), (1.0, PValueMethod::MonteCarlo));
        let outcome = chi_squared_homogeneity(&reference, &reference).unwrap();
        assert_eq!((outcome.p_value, outcome.method), (1.0, PValueMethod::Asymptotic));
    }

    #[test]
    fn counts_up_to_the_limit_are_answered() {
        let huge = chi_squared_homogeneity(&[1 << 52, 1], &[1 << 51, 7]).unwrap();
        assert!(huge.p_value > 0.0 && huge.p_value < 1.0, "{huge:?}");
        let outcome = chi_squared_homogeneity(&[1, 2], &[1]);
        assert_eq!(outcome, Err(Error::CategoryCount { reference: 2, batch: 1 }));
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
