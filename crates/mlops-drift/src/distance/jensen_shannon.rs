use super::shares;
use crate::Error;

/// How far the shares of two samples are apart: the Jensen-Shannon distance, the root of the
/// Jensen-Shannon divergence in natural logarithms.
///
/// ```text
/// JSD = 1/2 sum p ln(p / r) + 1/2 sum q ln(q / r)              r = (p + q) / 2
///     = 1/4 sum (p + q) ((1 + d) ln(1 + d) + (1 - d) ln(1 - d))    d = |p - q| / (p + q)
/// ```
///
/// p and q are the shares of a category in the reference and in the batch, and `0 ln 0` is 0. From 0
/// for equal shares to `sqrt(ln 2)`, 0.8326, for samples without a common category; divided by that
/// it is the distance in binary logarithms. Category by category, `reference` and `batch` hold
/// counts.
///
/// It is a measure of size, not evidence: without any drift, `8 JSD / (1 / n + 1 / m)` is about
/// chi-squared with B - 1 degrees of freedom for n and m values of B frequent categories. So ten
/// categories and a batch of 50 are more than 0.1 apart in most cases.
///
/// Relative error about 1e-15, also of nearly equal shares: no term is negative, and that of a small
/// d is a series. (SciPy loses all digits where shares differ by less than 1e-8.)
///
/// # Errors
/// * [`Error::CategoryCount`] if one sample has more counts than the other
/// * [`Error::EmptySample`] if the counts of a sample sum up to 0
/// * [`Error::TooManyCounts`] if all counts sum up to more than 2^53
///
/// # Examples
/// ```
/// let distance = mlops_drift::jensen_shannon_distance(&[3, 0], &[0, 5])?;
/// assert!((distance - 2.0_f64.ln().sqrt()).abs() < 1e-15);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Lin (1991), Divergence measures based on the Shannon entropy, IEEE Transactions on Information
/// Theory 37, 145-151. Endres and Schindelin (2003), A new metric for probability distributions, IEEE
/// Transactions on Information Theory 49, 1858-1860.
pub fn jensen_shannon_distance(reference: &[u64], batch: &[u64]) -> Result<f64, Error> {
    let terms = shares(reference, batch)?.map(|shares| match shares.difference {
        // Neither sample may have it.
        0.0 => 0.0,
        difference => {
            let sum = shares.reference + shares.batch;
            sum * divergence((difference / sum).min(1.0))
        }
    });
    Ok((0.25 * terms.sum::<f64>()).min(std::f64::consts::LN_2).sqrt())
}

/// `(1 + d) ln(1 + d) + (1 - d) ln(1 - d)` of d in `(0, 1]`, `sum d^(2 k) / (k (2 k - 1))`.
fn divergence(d: f64) -> f64 {
    if d > 0.5 {
        let rest = if d < 1.0 { (1.0 - d) * (-d).ln_1p() } else { 0.0 };
        return (1.0 + d) * d.ln_1p() + rest;
    }
    let square = d * d;
    let mut power = square;
    let mut sum = square;
    // Each power is at most a quarter of the one before.
    for k in 2..=27 {
        power *= square;
        let k = f64::from(k);
        let next = sum + power / (k * (2.0 * k - 1.0));
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_logarithms_agree() {
        for d in [0.3, 0.4, 0.5, 0.500_001, 0.6] {
            let expected = (1.0 + d) * f64::ln_1p(d) + (1.0 - d) * f64::ln_1p(-d);
            assert!((divergence(d) / expected - 1.0).abs() < 1e-14, "{d}");
        }
        assert_eq!(divergence(1.0).to_bits(), (2.0 * 2.0_f64.ln()).to_bits());
    }

    #[test]
    fn nearly_equal_shares_are_told_apart() {
        let half: u64 = 1 << 39;
        let distance = jensen_shannon_distance(&[half, half], &[half + 1, half - 1]).unwrap();
        // To the second order 1/4 sum (p - q)^2 / (p + q).
        let expected = 2.0_f64.powi(-40) / 2.0_f64.sqrt();
        assert!((distance / expected - 1.0).abs() < 1e-11, "{distance:e}");
    }
}
