mod front;
mod kernel;
mod lattice;
mod pooled;

use mlops_core::PValueMethod;

use self::lattice::Lattice;
use self::pooled::{Deviation, Pooled};
use super::clamp_p_value;
use crate::empirical::EmpiricalDistribution;
use crate::special::kolmogorov;
use crate::{Error, Sample};

/// Tests whether two samples come from the same distribution: two-sample Kolmogorov-Smirnov,
/// two-sided.
///
/// ```text
/// D = max over x of |F(x) - G(x)|    F, G: shares of the n reference, m batch values up to x
/// p = P(D' >= D)                     D' of a random relabelling of the n + m pooled values
/// ```
///
/// The p-value is exact, also with ties: it counts relabellings of the values as they are, whereas
/// the usual exact tables assume distinct values and give too large p-values for rounded data. D is
/// compared as the integer `n m D = max |i m - j n|`, so that rounding never decides.
///
/// Time O(s^1.5) for the smaller size s, whatever the larger, besides sorting both samples; memory
/// O(n + m).
///
/// # Edge cases
/// * A constant sample: as any other; equal constants have `D = 0`, `p = 1`.
/// * One value in a sample: as any other; the p-value says how extreme its rank is, and is at least
///   `1 / (n + 1)`.
/// * `-0.0` and `0.0` are the same value.
/// * A p-value below 2.2e-308 is given as that.
/// * Large samples whose exact p-value would take more than 0.1 to 0.2 seconds, from some 20 000
///   values in the smaller sample on, or fewer if the p-value is astronomically small, are
///   answered as [`ks_two_sample_asymptotic`] does. Without ties and from 5000 values in each sample
///   on, that was measured to be off by at most 3 % for p above 1e-4, 7 % above 1e-14 and 26 %
///   above 1e-120. Ties make it too large.
///
/// # Errors
/// * [`Error::EmptySample`] if a sample has no values
/// * [`Error::NotFinite`] if a value is infinite or NaN
///
/// # Examples
/// ```
/// use mlops_drift::ks_two_sample;
///
/// let outcome = ks_two_sample(&[1.0, 2.0, 3.0, 4.0, 5.0], &[10.0])?;
/// assert_eq!(outcome.statistic, 1.0);
/// // The new value is the largest or the smallest of six in two of six relabellings.
/// assert!((outcome.p_value - 2.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Hodges (1958), The significance probability of the Smirnov two-sample test, Arkiv for Matematik
/// 3, 469-486: the lattice paths. Moscovich and Nadler, Fast calculation of boundary crossing
/// probabilities for Poisson processes, [arXiv:1503.04363](https://arxiv.org/abs/1503.04363): steps
/// from one crossing of the boundary to the next. Compared with counts of lattice paths in integers
/// of any size: relative error below 1e-13 down to p = 1e-211.
pub fn ks_two_sample(reference: &[f64], batch: &[f64]) -> Result<KsOutcome, Error> {
    let (reference, batch) = distributions(reference, batch)?;
    Ok(compare(&reference, &batch))
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
/// Kolmogorov for a finite sample. It knows neither the grid that D lies on nor ties, both of which
/// make it too large or too small: a single value above the range of ten has p = 0 instead of
/// 2 / 11. Time O((n + m) log(n + m)) and, for the p-value, less than 0.1 seconds.
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
/// use mlops_drift::ks_two_sample_asymptotic;
///
/// // scipy.stats.ks_2samp([1, 2, 3, 4], [2.5, 3.5, 4.5], method="asymp").pvalue
/// let outcome = ks_two_sample_asymptotic(&[1.0, 2.0, 3.0, 4.0], &[2.5, 3.5, 4.5])?;
/// assert!((outcome.p_value - 0.5).abs() < 1e-15);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Simard and L'Ecuyer (2011), Computing the two-sided Kolmogorov-Smirnov distribution, Journal of
/// Statistical Software 39(11), <https://doi.org/10.18637/jss.v039.i11>. Compared with SciPy 1.17:
/// relative difference below 1e-12.
pub fn ks_two_sample_asymptotic(reference: &[f64], batch: &[f64]) -> Result<KsOutcome, Error> {
    let (reference, batch) = distributions(reference, batch)?;
    Ok(compare_asymptotically(&reference, &batch))
}

/// The result of a two-sample Kolmogorov-Smirnov test.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct KsOutcome {
    /// The largest distance between the two empirical distribution functions, in `[0, 1]`.
    pub statistic: f64,
    /// The probability of a distance at least as large without drift, above 0 and at most 1.
    pub p_value: f64,
    /// How the p-value was computed.
    pub method: PValueMethod,
}

/// Tests two samples that are not empty.
pub(crate) fn compare(
    reference: &EmpiricalDistribution,
    batch: &EmpiricalDistribution,
) -> KsOutcome {
    let pooled = Pooled::new(reference, batch);
    let deviation = pooled.largest_deviation();
    match Lattice::new(&pooled, deviation).and_then(Lattice::exit_probability) {
        Some(p_value) => KsOutcome {
            statistic: statistic(&pooled, deviation),
            p_value: clamp_p_value(p_value),
            method: PValueMethod::Exact,
        },
        None => asymptotic(&pooled, deviation),
    }
}

/// Tests two samples that are not empty as SciPy's asymptotic test does.
pub(crate) fn compare_asymptotically(
    reference: &EmpiricalDistribution,
    batch: &EmpiricalDistribution,
) -> KsOutcome {
    let pooled = Pooled::new(reference, batch);
    asymptotic(&pooled, pooled.largest_deviation())
}

fn asymptotic(pooled: &Pooled<'_>, deviation: Deviation) -> KsOutcome {
    let statistic = statistic(pooled, deviation);
    let p_value = match effective_size(pooled.reference_size(), pooled.batch_size()) {
        // One value in each sample: however they are relabelled, they differ as much.
        0 => 1.0,
        size => kolmogorov::survival(size, statistic),
    };
    KsOutcome { statistic, p_value: clamp_p_value(p_value), method: PValueMethod::Asymptotic }
}

/// `D = |i / n - j / m|`.
fn statistic(pooled: &Pooled<'_>, deviation: Deviation) -> f64 {
    let pairs = pooled.reference_size() as f64 * pooled.batch_size() as f64;
    deviation.distance as f64 / pairs
}

/// `n m / (n + m)`, rounded half to even: the size of the one sample whose distance from its
/// distribution has the variance of that of two samples.
fn effective_size(n: usize, m: usize) -> usize {
    let (n, m) = (n as f64, m as f64);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number, at most the smaller size"
    )]
    let size = (n * m / (n + m)).round_ties_even() as usize;
    size
}

fn distributions(
    reference: &[f64],
    batch: &[f64],
) -> Result<(EmpiricalDistribution, EmpiricalDistribution), Error> {
    check(reference, Sample::Reference)?;
    check(batch, Sample::Batch)?;
    let distribution = |values: &[f64]| EmpiricalDistribution::new(values.to_vec());
    Ok((distribution(reference), distribution(batch)))
}

/// Refuses what is no sample of finite numbers.
fn check(values: &[f64], sample: Sample) -> Result<(), Error> {
    if values.is_empty() {
        return Err(Error::EmptySample { sample });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(Error::NotFinite { sample, position }),
        None => Ok(()),
    }
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
            let exact = ks_two_sample(&reference, &batch).unwrap();
            assert_eq!(exact.method, PValueMethod::Exact);
            let approximate = ks_two_sample_asymptotic(&reference, &batch).unwrap();
            assert_eq!(approximate.method, PValueMethod::Asymptotic);
            let ratio = approximate.p_value / exact.p_value;
            assert!((1.0..1.03).contains(&ratio), "p {:e}: {ratio}", exact.p_value);
        }
    }

    #[test]
    fn samples_that_would_take_too_long_are_answered_by_the_approximation() {
        let reference = grid(200_000, 1.0, 0.0);
        let outcome = ks_two_sample(&reference, &grid(200_000, 1.0, 1_000.5)).unwrap();
        assert_eq!(outcome.method, PValueMethod::Asymptotic);
        assert!((outcome.statistic - 0.005).abs() < 1e-5, "{outcome:?}");
        // Twice the one-sided probability, to its second term.
        let expected = 2.0 * (-(6e5 * outcome.statistic + 1.0).powi(2) / 18e5).exp();
        assert!((outcome.p_value / expected - 1.0).abs() < 1e-3, "{outcome:?}");
    }

    #[test]
    fn sizes_are_rounded_half_to_even() {
        // 0.5, 2/3, 1.5, 2.5 and 3.5.
        let sizes = [(1, 1), (1, 2), (3, 3), (5, 5), (7, 7)].map(|(n, m)| effective_size(n, m));
        assert_eq!(sizes, [0, 1, 2, 2, 4]);
        let one_each = ks_two_sample_asymptotic(&[1.0], &[2.0]).unwrap();
        assert_eq!(one_each.p_value.to_bits(), 1.0_f64.to_bits());
    }
}
