use super::shares;
use crate::Error;

/// How far the shares of two samples are apart: the Hellinger distance.
///
/// ```text
/// H^2 = 1/2 sum (sqrt p - sqrt q)^2 = 1/2 sum ((p - q) / (sqrt p + sqrt q))^2
/// ```
///
/// p and q are the shares of a category in the reference and in the batch. From 0 for equal shares to
/// 1 for samples without a common category. Category by category, `reference` and `batch` hold
/// counts.
///
/// It is a measure of size, not evidence: without any drift, `8 H^2 / (1 / n + 1 / m)` is about
/// chi-squared with B - 1 degrees of freedom for n and m values of B frequent categories.
///
/// Relative error about 1e-15, also of nearly equal shares: `1 - sum sqrt(p q)`, the usual formula,
/// leaves nothing of an H below 1e-8.
///
/// # Errors
/// * [`Error::CategoryCount`] if one sample has more counts than the other
/// * [`Error::EmptySample`] if the counts of a sample sum up to 0
/// * [`Error::TooManyCounts`] if all counts sum up to more than 2^53
///
/// # Examples
/// ```
/// let distance = mlops_drift::hellinger_distance(&[1, 0], &[1, 3])?;
/// assert!((distance - 0.5_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
pub fn hellinger_distance(reference: &[u64], batch: &[u64]) -> Result<f64, Error> {
    let terms = shares(reference, batch)?.map(|shares| match shares.difference {
        // Neither sample may have it.
        0.0 => 0.0,
        difference => (difference / (shares.reference.sqrt() + shares.batch.sqrt())).powi(2),
    });
    Ok((0.5 * terms.sum::<f64>()).sqrt().min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_equal_shares_are_told_apart() {
        // One in 2^40 of either kind.
        let half: u64 = 1 << 39;
        let distance = hellinger_distance(&[half, half], &[half + 1, half - 1]).unwrap();
        // To the second order 1/2 sum (p - q)^2 / (4 p).
        let expected = 2.0_f64.powi(-40) / 2.0_f64.sqrt();
        assert!((distance / expected - 1.0).abs() < 1e-11, "{distance:e}");
    }

    #[test]
    fn samples_without_a_common_category_are_one_apart() {
        assert_eq!(hellinger_distance(&[3, 0, 7, 0], &[0, 1, 0, 8]), Ok(1.0));
    }
}
