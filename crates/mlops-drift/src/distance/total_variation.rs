use super::cross_difference;
use crate::Error;
use crate::counts::Totals;

/// How much of one sample's shares would have to move to make them those of the other: the total
/// variation distance.
///
/// ```text
/// TV = 1/2 sum |p - q|               p, q: shares of a category in the reference, in the batch
/// ```
///
/// From 0 for equal shares to 1 for samples without a common category. Category by category,
/// `reference` and `batch` hold counts.
///
/// It is a measure of size, not evidence: without any drift, a batch of m values from B equally
/// frequent categories is about `(B / (2 pi m))^(1/2)` away.
///
/// The sum is one of integers, so that the result is within a few units of the last place.
///
/// # Errors
/// * [`Error::CategoryCount`] if one sample has more counts than the other
/// * [`Error::EmptySample`] if the counts of a sample sum up to 0
/// * [`Error::TooManyCounts`] if all counts sum up to more than 2^53
///
/// # Examples
/// ```
/// let distance = mlops_drift::total_variation_distance(&[3, 1, 0], &[2, 1, 1])?;
/// assert_eq!(distance, 0.25);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
pub fn total_variation_distance(reference: &[u64], batch: &[u64]) -> Result<f64, Error> {
    Ok(between(reference, batch, Totals::of(reference, batch)?))
}

/// The distance of counts with these sums.
pub(crate) fn between(reference: &[u64], batch: &[u64], totals: Totals) -> f64 {
    let counts = reference.iter().zip(batch);
    // At most 2 n m, which is below 2^106.
    let sum: u128 = counts.map(|(&left, &right)| cross_difference(left, right, totals)).sum();
    sum as f64 / (2.0 * (totals.reference as f64 * totals.batch as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;

    #[test]
    fn large_counts_do_not_overflow() {
        let half = 1 << 52;
        assert_eq!(total_variation_distance(&[half, 0], &[0, half]), Ok(1.0));
        assert_eq!(total_variation_distance(&[half, 0], &[half - 1, 1]), Ok(2.0_f64.powi(-52)));
    }

    #[test]
    fn what_is_no_pair_of_samples_is_refused() {
        let error = Err(Error::CategoryCount { reference: 1, batch: 2 });
        assert_eq!(total_variation_distance(&[1], &[1, 2]), error);
        let error = Err(Error::EmptySample { sample: Sample::Batch });
        assert_eq!(total_variation_distance(&[1], &[0]), error);
    }
}
