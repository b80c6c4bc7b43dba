use crate::Error;

/// Adjusts p-values for their number by Bonferroni's inequality; they keep their places.
///
/// ```text
/// adjusted p_i = min(1, d p_i)        d p-values
/// ```
///
/// Rejecting where the adjusted p-value is below alpha, one rejects any true hypothesis with a
/// probability of at most alpha, however the tests depend on each other. [`holm`] promises the same
/// and rejects at least as much.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// assert_eq!(mlops_drift::bonferroni(&[0.01, 0.25, 0.5])?, [0.03, 0.75, 1.0]);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
pub fn bonferroni(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    check(p_values)?;
    let count = p_values.len() as f64;
    Ok(p_values.iter().map(|p_value| (count * p_value).min(1.0)).collect())
}

/// Adjusts p-values for their number by Holm's step-down procedure; they keep their places.
///
/// ```text
/// adjusted p_(i) = max over k <= i of min(1, (d - k + 1) p_(k))      p_(1) <= p_(2) <= .. <= p_(d)
/// ```
///
/// Rejecting where the adjusted p-value is below alpha, one rejects any true hypothesis with a
/// probability of at most alpha, however the tests depend on each other. A batch as a whole has
/// drifted if any feature has.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// let adjusted = mlops_drift::holm(&[0.5, 0.01, 0.02])?;
/// assert_eq!(adjusted, [0.5, 0.03, 0.04]);
/// let batch_has_drifted = adjusted.iter().any(|p_value| *p_value < 0.05);
/// assert!(batch_has_drifted);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
/// Statistics 6, 65-70.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    check(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, position) in ascending(p_values).into_iter().enumerate() {
        let remaining = (p_values.len() - rank) as f64;
        largest = largest.max((remaining * p_values[position]).min(1.0));
        adjusted[position] = largest;
    }
    Ok(adjusted)
}

/// Adjusts p-values for their number by the step-up procedure of Benjamini and Hochberg; they keep their places.
///
/// ```text
/// adjusted p_(i) = min over k >= i of min(1, d p_(k) / k)            p_(1) <= p_(2) <= .. <= p_(d)
/// ```
///
/// Rejecting where the adjusted p-value is at most alpha, the expected share of true hypotheses among those rejected
/// is at most alpha, if the tests are independent or depend on each other positively. It rejects at least as much as
/// [`holm`], and does not promise that a single false alarm is rare: it is for lists of features that someone looks
/// through, not for waking anyone.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// let adjusted = mlops_drift::benjamini_hochberg(&[0.5, 0.01, 0.02, 0.25])?;
/// assert_eq!(adjusted, [0.5, 0.04, 0.04, 1.0 / 3.0]);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Benjamini and Hochberg (1995), Controlling the false discovery rate: a practical and powerful approach to multiple
/// testing, Journal of the Royal Statistical Society B 57, 289-300.
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    step_up(p_values, 1.0)
}

/// Adjusts p-values for their number by the step-up procedure of Benjamini and Yekutieli; they keep their places.
///
/// ```text
/// adjusted p_(i) = min over k >= i of min(1, c d p_(k) / k)          c = 1 + 1/2 + .. + 1/d
/// ```
///
/// The promise of [`benjamini_hochberg`], however the tests depend on each other.
///
/// # Errors
/// * [`Error::NotAProbability`] if a number is not in `[0, 1]`
///
/// # Examples
/// ```
/// let adjusted = mlops_drift::benjamini_yekutieli(&[0.5, 0.01])?;
/// assert_eq!(adjusted, [0.75, 0.03]);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Benjamini and Yekutieli (2001), The control of the false discovery rate in multiple testing under dependency, The
/// Annals of Statistics 29, 1165-1188.
pub fn benjamini_yekutieli(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    step_up(p_values, (1..=p_values.len()).map(|rank| 1.0 / rank as f64).sum())
}

/// `min over k >= i of min(1, factor d p_(k) / k)`.
fn step_up(p_values: &[f64], factor: f64) -> Result<Vec<f64>, Error> {
    check(p_values)?;
    let count = p_values.len() as f64;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (rank, position) in ascending(p_values).into_iter().enumerate().rev() {
        smallest = smallest.min(factor * count * p_values[position] / (rank + 1) as f64);
        adjusted[position] = smallest;
    }
    Ok(adjusted)
}

/// The positions of the p-values from the smallest to the largest.
fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    order
}

fn check(p_values: &[f64]) -> Result<(), Error> {
    match p_values.iter().position(|p_value| !(0.0..=1.0).contains(p_value)) {
        Some(position) => Err(Error::NotAProbability { position, got: p_values[position] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_probability_is_refused() {
        for adjust in [holm, benjamini_hochberg, benjamini_yekutieli] {
            assert_eq!(adjust(&[0.5, 1.1]), Err(Error::NotAProbability { position: 1, got: 1.1 }));
        }
        for wrong in [f64::NAN, -0.1, f64::INFINITY] {
            assert!(matches!(
                bonferroni(&[0.5, wrong]),
                Err(Error::NotAProbability { position: 1, .. })
            ));
        }
    }

    #[test]
    fn nothing_is_adjusted_to_nothing() {
        for adjust in [bonferroni, holm, benjamini_hochberg, benjamini_yekutieli] {
            assert_eq!(adjust(&[]), Ok(vec![]));
        }
    }

    proptest! {
        #[test]
        fn what_promises_more_adjusts_more(
            p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)
        ) {
            let (holm, bonferroni) = (holm(&p_values)?, bonferroni(&p_values)?);
            let hochberg = benjamini_hochberg(&p_values)?;
            let yekutieli = benjamini_yekutieli(&p_values)?;
            // Ties of the definition may be a rounding apart.
            let at_most = |left: f64, right: f64| left <= right * (1.0 + 1e-12);
            for (position, p_value) in p_values.iter().enumerate() {
                prop_assert!(at_most(*p_value, hochberg[position]));
                prop_assert!(at_most(hochberg[position], holm[position]));
                prop_assert!(holm[position] <= bonferroni[position]);
                prop_assert!(hochberg[position] <= yekutieli[position]);
            }
        }

        #[test]
        fn adjusting_keeps_the_order(p_values in prop::collection::vec(0.0..=1.0_f64, 2..20)) {
            for adjust in [holm, benjamini_hochberg, benjamini_yekutieli] {
                let adjusted = adjust(&p_values)?;
                for left in 0..p_values.len() {
                    for right in 0..p_values.len() {
                        if p_values[left] <= p_values[right] {
                            prop_assert!(adjusted[left] <= adjusted[right]);
                        }
                    }
                }
            }
        }
    }
}
