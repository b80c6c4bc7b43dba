pub(crate) mod hellinger;
pub(crate) mod jensen_shannon;
pub(crate) mod population_stability;
pub(crate) mod total_variation;
pub(crate) mod wasserstein;

use crate::Error;
use crate::counts::Totals;

/// The shares of one category in two samples, and how far they are apart without cancellation.
#[derive(Clone, Copy, Debug)]
struct Shares {
    reference: f64,
    batch: f64,
    /// `|p - q|`, of exact products.
    difference: f64,
}

/// The shares of all categories in two samples.
///
/// # Errors
/// As [`Totals::of`].
fn shares(reference: &[u64], batch: &[u64]) -> Result<impl Iterator<Item = Shares>, Error> {
    let totals = Totals::of(reference, batch)?;
    let (n, m) = (totals.reference as f64, totals.batch as f64);
    Ok(reference.iter().zip(batch).map(move |(&reference, &batch)| Shares {
        reference: reference as f64 / n,
        batch: batch as f64 / m,
        difference: cross_difference(reference, batch, totals) as f64 / (n * m),
    }))
}

/// `|a m - b n|` of counts a, b of n, m values.
fn cross_difference(reference: u64, batch: u64, totals: Totals) -> u128 {
    let product = |left: u64, right: u64| u128::from(left) * u128::from(right);
    product(reference, totals.batch).abs_diff(product(batch, totals.reference))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use proptest::prelude::*;

    use super::hellinger::hellinger_distance;
    use super::jensen_shannon::jensen_shannon_distance;
    use super::population_stability::population_stability_index;
    use super::total_variation::total_variation_distance;

    fn counts() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
        let count = || prop_oneof![0..4_u64, 0..1_000_000_u64];
        let row = move |length| prop::collection::vec(count(), length);
        (1_usize..12)
            .prop_flat_map(move |length| (row(length), row(length)))
            .prop_filter("both samples hold something", |(left, right)| {
                left.iter().sum::<u64>() > 0 && right.iter().sum::<u64>() > 0
            })
    }

    proptest! {
        #[test]
        fn distances_are_ordered((left, right) in counts()) {
            let total_variation = total_variation_distance(&left, &right)?;
            let hellinger = hellinger_distance(&left, &right)?;
            let divergence = jensen_shannon_distance(&left, &right)?.powi(2);
            let at_most = |less: f64, more: f64| less <= more * (1.0 + 1e-13);
            prop_assert!(total_variation >= 0.0 && at_most(total_variation, 1.0));
            prop_assert!(at_most(hellinger.powi(2), total_variation));
            prop_assert!(at_most(total_variation, 2.0_f64.sqrt() * hellinger));
            prop_assert!(at_most(divergence, LN_2 * total_variation));
            // Topsoe's and Hellinger's bounds of each other.
            prop_assert!(at_most(divergence, hellinger.powi(2) * 2.0 * LN_2));
            prop_assert!(at_most(hellinger.powi(2), 2.0 * divergence));
        }

        #[test]
        fn only_equal_shares_are_nothing_apart((left, right) in counts(), factor in 1..9_u64) {
            let multiple: Vec<u64> = left.iter().map(|count| factor * count).collect();
            let distances = |right: &[u64]| {
                let of = [total_variation_distance, hellinger_distance, jensen_shannon_distance];
                of.map(|of| of(&left, right).unwrap())
            };
            for distance in distances(&multiple) {
                prop_assert_eq!(distance.to_bits(), 0.0_f64.to_bits());
            }
            let sums: [u64; 2] = [left.iter().sum(), right.iter().sum()];
            let is_equal =
                left.iter().zip(&right).all(|(left, right)| left * sums[1] == right * sums[0]);
            for distance in distances(&right) {
                prop_assert_eq!(distance > 0.0, !is_equal);
            }
        }

        #[test]
        fn samples_can_be_swapped((left, right) in counts()) {
            let near = |one: f64, other: f64| (one - other).abs() <= 1e-14 * one;
            for of in [total_variation_distance, hellinger_distance, jensen_shannon_distance] {
                prop_assert!(near(of(&left, &right)?, of(&right, &left)?));
            }
            let (outcome, swapped) = (
                population_stability_index(&left, &right)?,
                population_stability_index(&right, &left)?,
            );
            prop_assert!(outcome.index >= 0.0);
            prop_assert!(outcome.p_value > 0.0 && outcome.p_value <= 1.0);
            prop_assert!(near(outcome.index, swapped.index));
            prop_assert!((outcome.p_value / swapped.p_value - 1.0).abs() < 1e-9);
        }
    }
}
