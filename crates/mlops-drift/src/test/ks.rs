mod asymptotic;
mod corridor;
mod counted;
mod front;
mod kernel;
mod lattice;
pub(crate) mod law;
mod location;
mod tail;

use std::f64::consts::LN_10;

use mlops_core::PValueMethod;

use self::asymptotic::asymptotic;
use self::corridor::Corridor;
use self::lattice::Lattice;
pub(crate) use self::lattice::Walk;
use self::location::{Location, location};
use super::{Comparison, clamp_p_value};
use crate::empirical::EmpiricalDistribution;
use crate::pooled::{Deviation, Pooled};
use crate::special::hypergeometric;
use crate::{Alternative, Error, Sample};

/// Tests whether two samples come from the same distribution: two-sample Kolmogorov-Smirnov.
///
/// ```text
/// D = max over x of |F(x) - G(x)|    F, G: shares of the n reference, m batch values up to x
/// p = P(D' >= D)                     D' of a random relabelling of the n + m pooled values
/// ```
///
/// One-sided, D is the maximum of `F - G` (`Greater`: the batch's values tend to be greater), or of
/// `G - F` (`Less`).
///
/// The p-value is exact, also with ties: it counts relabellings of the values as they are, whereas
/// the usual exact tables assume distinct values and give too large p-values for rounded data. D is
/// compared as the integer `n m D = max |i m - j n|`, so that rounding never decides. Counting goes
/// from one place at which the distance can be reached to the next, of which there are at most
/// 2 s + 1.
///
/// Time O(s^1.5) for the smaller size s, whatever the larger, besides sorting both samples; memory
/// O(n + m).
///
/// # Edge cases
/// * A constant sample: as any other; equal constants have `D = 0`, `p = 1`.
/// * One value in a sample: as any other; the p-value says how extreme its rank is, and is at least
///   `1 / (n + 1)`.
/// * `-0.0` and `0.0` are the same value.
/// * A p-value below 2.2e-308 is given as that; its logarithm is right.
/// * Up to 5000 values in the smaller sample, the p-value is exact. Larger samples whose
///   exact p-value would take more than 0.1 to 0.2 seconds, from some 20 000 values on, are answered
///   as [`ks_two_sample_asymptotic`] does, and `method` says so. Without ties and from 5000 values in
///   each sample on, that was measured to be off by at most 3 % for p above 1e-4, 7 % above 1e-14 and
///   26 % above 1e-120. Ties make it too large.
///
/// # Errors
/// * [`Error::EmptySample`] if a sample has no values
/// * [`Error::NotFinite`] if a value is infinite or NaN
///
/// # Examples
/// ```
/// use mlops_drift::{Alternative, ks_two_sample};
///
/// let reference = [1.0, 2.0, 3.0, 4.0, 5.0];
/// let outcome = ks_two_sample(&reference, &[10.0], Alternative::TwoSided)?;
/// assert_eq!((outcome.statistic, outcome.location), (1.0, 5.0));
/// // The new value is the largest or the smallest of six in two of six relabellings.
/// assert!((outcome.p_value - 2.0 / 6.0).abs() < 1e-15);
///
/// let outcome = ks_two_sample(&reference, &[10.0], Alternative::Greater)?;
/// assert!((outcome.p_value - 1.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Hodges (1958), The significance probability of the Smirnov two-sample test, Arkiv for Matematik
/// 3, 469-486: the lattice paths. Moscovich and Nadler, Fast calculation of boundary crossing
/// probabilities for Poisson processes, [arXiv:1503.04363](https://arxiv.org/abs/1503.04363): steps
/// from one crossing of the boundary to the next. Compared with counts of lattice paths in integers
/// of any size: relative error below 1e-12 down to p = 1e-211, and logarithms to 1e-11 down to -3000.
pub fn ks_two_sample(
    reference: &[f64],
    batch: &[f64],
    alternative: Alternative,
) -> Result<KsOutcome, Error> {
    outcome(reference, batch, alternative, compare)
}

/// Tests whether two samples come from the same distribution: the test of [`ks_two_sample`] with
/// the approximate p-value of SciPy's `ks_2samp(.., method='asymp')`, for answers that must equal
/// those of SciPy or of what is built on it.
///
/// ```text
/// p = P(D_e >= D)     e = n m / (n + m), rounded half to even
/// ```
///
/// `D_e` is the distance of a sample of e values from the distribution that it comes from: the law of
/// Kolmogorov for a finite sample. One-sided, the p-value is the limit of large samples with its
/// second term, `exp(-2 z^2 - 2 z (l + 2 s) / (3 sqrt(l s (l + s))))` with `z = D sqrt(l s / (l + s))`
/// of the larger size l and the smaller size s.
///
/// It knows neither the grid that D lies on nor ties, both of which make it too large or too small: a
/// single value above the range of ten has p = 0 instead of 2 / 11. Time O((n + m) log(n + m)) and, for
/// the p-value, less than 0.1 seconds.
///
/// # Edge cases
/// * One value in each sample: p = 1. (SciPy answers NaN.)
/// * `D = 1`: p = 0, which is given as 2.2e-308, as is any p-value below.
///
/// # Errors
/// * [`Error::EmptySample`] if a sample has no values
/// * [`Error::NotFinite`] if a value is infinite or NaN
///
/// # Examples
/// ```
/// use mlops_drift::{Alternative, ks_two_sample_asymptotic};
///
/// // scipy.stats.ks_2samp([1, 2, 3, 4], [2.5, 3.5, 4.5], method="asymp").pvalue
/// let (reference, batch) = ([1.0, 2.0, 3.0, 4.0], [2.5, 3.5, 4.5]);
/// let outcome = ks_two_sample_asymptotic(&reference, &batch, Alternative::TwoSided)?;
/// assert!((outcome.p_value - 0.5).abs() < 1e-15);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Simard and L'Ecuyer (2011), Computing the two-sided Kolmogorov-Smirnov distribution, Journal of
/// Statistical Software 39(11), <https://doi.org/10.18637/jss.v039.i11>. Compared with SciPy 1.17:
/// relative difference below 1e-12.
pub fn ks_two_sample_asymptotic(
    reference: &[f64],
    batch: &[f64],
    alternative: Alternative,
) -> Result<KsOutcome, Error> {
    outcome(reference, batch, alternative, compare_asymptotically)
}

fn outcome(
    reference: &[f64],
    batch: &[f64],
    alternative: Alternative,
    compare: KsComparison,
) -> Result<KsOutcome, Error> {
    let reference = EmpiricalDistribution::of(reference, Sample::Reference)?;
    let batch = EmpiricalDistribution::of(batch, Sample::Batch)?;
    let mut stretches = vec![];
    let pooled = Pooled::new(&reference, &batch, &mut stretches);
    let comparison = compare(&pooled, alternative, &mut Walk::default());
    let Comparison { statistic, p_value, log10_p_value, method } = comparison;
    let Location { value, direction } = location(&pooled, alternative);
    Ok(KsOutcome { statistic, p_value, log10_p_value, method, location: value, direction })
}

/// How two samples that are not empty are compared.
pub(crate) type KsComparison = fn(&Pooled<'_>, Alternative, &mut Walk) -> Comparison;

/// The result of a two-sample Kolmogorov-Smirnov test.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct KsOutcome {
    /// The largest distance between the two empirical distribution functions, in `[0, 1]`.
    pub statistic: f64,
    /// The probability of a distance at least as large without drift, above 0 and at most 1.
    pub p_value: f64,
    /// The decimal logarithm of the p-value, at most 0: also of one that is too small for a double, if it
    /// is exact.
    pub log10_p_value: f64,
    /// How the p-value was computed.
    pub method: PValueMethod,
    /// The value at which the distance is largest: the smallest reference value of those, or, if
    /// there is none, the smallest batch value.
    pub location: f64,
    /// `Greater` if a larger share of the reference is at or below that value, as if the batch's
    /// values were greater, and `Less` if a larger share of the batch is.
    pub direction: Alternative,
}

/// Tests two samples that are not empty.
pub(crate) fn compare(
    pooled: &Pooled<'_>,
    alternative: Alternative,
    walk: &mut Walk,
) -> Comparison {
    let deviation = pooled.largest_deviation(alternative);
    let Some(probability) = exact(pooled, deviation, alternative, walk) else {
        return asymptotic(pooled, deviation, alternative);
    };
    Comparison {
        statistic: statistic(pooled, deviation),
        p_value: clamp_p_value(probability.value),
        log10_p_value: probability.log10.min(0.0),
        method: PValueMethod::Exact,
    }
}

/// Tests two samples that are not empty as SciPy's asymptotic test does.
pub(crate) fn compare_asymptotically(
    pooled: &Pooled<'_>,
    alternative: Alternative,
    _: &mut Walk,
) -> Comparison {
    asymptotic(pooled, pooled.largest_deviation(alternative), alternative)
}

/// A probability, which may be too small for a double, and its logarithm, which is not.
#[derive(Clone, Copy, Debug)]
struct Probability {
    value: f64,
    log10: f64,
}

impl Probability {
    fn of(value: f64) -> Self {
        Self { value, log10: value.log10() }
    }
}

/// The probability that a random relabelling deviates as much; `None` if it takes too long.
fn exact(
    pooled: &Pooled<'_>,
    deviation: Deviation,
    alternative: Alternative,
    walk: &mut Walk,
) -> Option<Probability> {
    if deviation.distance == 0 {
        return Some(Probability::of(1.0));
    }
    let corridor = Corridor::new(pooled, deviation, alternative)?;
    if corridor.m <= counted::MOST {
        return Some(Probability::of(counted::exit_probability(corridor)));
    }
    let mut ln_least = ln_least(pooled, deviation);
    if ln_least < FAR_OUT {
        // The observed counts may be the least probable ones that deviate so much.
        ln_least = tail::ln_least(pooled, deviation, alternative)?.max(ln_least);
    }
    if ln_least < FAR_OUT {
        let ln = tail::ln_exit_probability(pooled, deviation, alternative, walk)?;
        return Some(Probability { value: ln.exp(), log10: ln / LN_10 });
    }
    Lattice::new(corridor, ln_least).exit_probability(walk).map(Probability::of)
}

/// The logarithm of a probability that the p-value is not below: that of the observed counts.
fn ln_least(pooled: &Pooled<'_>, observed: Deviation) -> f64 {
    let (n, m) = (pooled.reference_size(), pooled.batch_size());
    let time = observed.reference + observed.batch;
    hypergeometric::ln_pmf(observed.batch as u64, time as u64, m as u64, (n + m) as u64)
}

/// The logarithm of 1e-40. Below, walks that are made to pass where they leave are much shorter, also
/// where numbers are too small for a double.
const FAR_OUT: f64 = -92.0;

/// `D`, whatever the alternative.
pub(crate) fn distance(pooled: &Pooled<'_>) -> f64 {
    statistic(pooled, pooled.largest_deviation(Alternative::TwoSided))
}

/// `D = |i / n - j / m|`.
fn statistic(pooled: &Pooled<'_>, deviation: Deviation) -> f64 {
    let pairs = pooled.reference_size() as f64 * pooled.batch_size() as f64;
    deviation.distance as f64 / pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(size: u32, step: f64, offset: f64) -> Vec<f64> {
        (0..size).map(|row| f64::from(row) * step + offset).collect()
    }

    #[test]
    fn the_approximation_is_near_the_exact_p_value_of_large_samples() {
        for offset in [0.012, 0.02, 0.03] {
            let (reference, batch) =
                (grid(9_000, 1.0 / 9_000.0, 0.0), grid(7_000, 1.0 / 7_000.0, offset));
            let exact = ks_two_sample(&reference, &batch, Alternative::TwoSided).unwrap();
            assert_eq!(exact.method, PValueMethod::Exact);
            let approximate =
                ks_two_sample_asymptotic(&reference, &batch, Alternative::TwoSided).unwrap();
            assert_eq!(approximate.method, PValueMethod::Asymptotic);
            let ratio = approximate.p_value / exact.p_value;
            assert!((1.0..1.03).contains(&ratio), "p {:e}: {ratio}", exact.p_value);
        }
    }

    #[test]
    fn samples_that_would_take_too_long_are_answered_by_the_approximation() {
        let reference = grid(200_000, 1.0, 0.0);
        let batch = grid(200_000, 1.0, 1_000.5);
        let outcome = ks_two_sample(&reference, &batch, Alternative::TwoSided).unwrap();
        assert_eq!(outcome.method, PValueMethod::Asymptotic);
        assert!((outcome.statistic - 0.005).abs() < 1e-5, "{outcome:?}");
        // Twice the one-sided probability, to its second term.
        let expected = 2.0 * (-(6e5 * outcome.statistic + 1.0).powi(2) / 18e5).exp();
        assert!((outcome.p_value / expected - 1.0).abs() < 1e-3, "{outcome:?}");
    }
}
