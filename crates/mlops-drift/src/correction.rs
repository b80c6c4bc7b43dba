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
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &position) in order.iter().enumerate() {
        let remaining = (p_values.len() - rank) as f64;
        largest = largest.max((remaining * p_values[position]).min(1.0));
        adjusted[position] = largest;
    }
    Ok(adjusted)
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
        assert_eq!(holm(&[0.5, 1.1]), Err(Error::NotAProbability { position: 1, got: 1.1 }));
        for wrong in [f64::NAN, -0.1, f64::INFINITY] {
            assert!(matches!(
                bonferroni(&[0.5, wrong]),
                Err(Error::NotAProbability { position: 1, .. })
            ));
        }
    }

    #[test]
    fn nothing_is_adjusted_to_nothing() {
        assert_eq!(bonferroni(&[]), Ok(vec![]));
        assert_eq!(holm(&[]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn holm_lies_between_the_p_values_and_bonferroni(
            p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)
        ) {
            let (holm, bonferroni) = (holm(&p_values)?, bonferroni(&p_values)?);
            for (position, p_value) in p_values.iter().enumerate() {
                prop_assert!(*p_value <= holm[position]);
                prop_assert!(holm[position] <= bonferroni[position]);
            }
        }

        #[test]
        fn holm_keeps_the_order(p_values in prop::collection::vec(0.0..=1.0_f64, 2..20)) {
            let adjusted = holm(&p_values)?;
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
