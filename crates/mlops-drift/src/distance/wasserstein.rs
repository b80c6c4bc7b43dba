use crate::empirical::{EmpiricalDistribution, check_sample};
use crate::{Error, Sample};

/// How far one sample's values would have to be moved on average to make them those of the other: the
/// Wasserstein distance of order 1, or earth mover's distance.
///
/// ```text
/// W = integral of |F(x) - G(x)| dx   F, G: shares of the n reference, m batch values up to x
/// ```
///
/// In units of the values, from 0 for samples of the same shares to the range of all values. Divide by
/// the reference's standard deviation, or its quartiles' distance, to compare features.
///
/// It is a measure of size, not evidence: without any drift, a small batch is a good part of a
/// standard deviation away.
///
/// Time O((n + m) log(n + m)), memory O(n + m). `F - G` is exact, and no term is negative: the relative
/// error is about that of the differences of the values.
///
/// # Edge cases
/// * `-0.0` and `0.0` are the same value.
/// * Neighbouring values that are more than 1.8e308 apart: infinite.
///
/// # Errors
/// * [`Error::EmptySample`] if a sample has no values
/// * [`Error::NotFinite`] if a value is infinite or NaN
///
/// # Examples
/// ```
/// // One of two values moves from 1 to 4.
/// let distance = mlops_drift::wasserstein_distance(&[0.0, 1.0], &[0.0, 4.0])?;
/// assert_eq!(distance, 1.5);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// Vallender (1974), Calculation of the Wasserstein distance between probability distributions on the
/// line, Theory of Probability and its Applications 18, 784-786.
pub fn wasserstein_distance(reference: &[f64], batch: &[f64]) -> Result<f64, Error> {
    let reference = EmpiricalDistribution::of(reference, Sample::Reference)?;
    let batch = EmpiricalDistribution::of(batch, Sample::Batch)?;
    let (n, m) = (reference.size() as i128, batch.size() as i128);
    let steps = |sample: &EmpiricalDistribution, each: i128| {
        let steps = sample.values().iter().zip(sample.counts());
        steps.map(|(&value, count)| (value, count as i128 * each)).collect::<Vec<_>>()
    };
    let mut steps = [steps(&reference, m), steps(&batch, -n)].concat();
    // Two ascending runs: this sort merges them.
    steps.sort_by(|left, right| left.0.total_cmp(&right.0));
    let pairs = n as f64 * m as f64;
    let mut difference: i128 = 0;
    let terms = steps.windows(2).map(|pair| {
        difference += pair[0].1;
        match difference {
            0 => 0.0,
            _ => difference.unsigned_abs() as f64 / pairs * (pair[1].0 - pair[0].0),
        }
    });
    Ok(terms.sum::<f64>().abs())
}

/// How far one sample's weight would have to be moved on average to make it that of the other: the
/// [`wasserstein_distance`] of values that count by their weights.
///
/// ```text
/// W = integral of |F(x) - G(x)| dx   F, G: shares of the weight that is on values up to x
/// ```
///
/// Each value has a weight, from 0 on; only their ratios within a sample matter.
///
/// `F - G` is a compensated sum: it is off by some 1e-16, so that W is by as much of the range of all
/// values.
///
/// # Edge cases
/// * `-0.0` and `0.0` are the same value.
/// * Neighbouring values that are more than 1.8e308 apart: infinite.
///
/// # Errors
/// * [`Error::EmptySample`] if a sample has no values
/// * [`Error::NotFinite`] if a value is infinite or NaN
/// * [`Error::WeightCount`] if a sample does not have one weight for each value
/// * [`Error::InvalidWeight`] if a weight is negative, infinite or NaN
/// * [`Error::NoWeight`] if all weights of a sample are 0
///
/// # Examples
/// ```
/// use mlops_drift::wasserstein_distance_weighted;
///
/// // A quarter of the weight moves from 0 to 8.
/// let distance = wasserstein_distance_weighted(&[0.0], &[1.0], &[0.0, 8.0], &[3.0, 1.0])?;
/// assert_eq!(distance, 2.0);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
///
/// # Sources
/// As [`wasserstein_distance`]. The sum is that of Neumaier (1974), Rundungsfehleranalyse einiger
/// Verfahren zur Summation endlicher Summen, Zeitschrift fuer Angewandte Mathematik und Mechanik 54,
/// 39-51.
pub fn wasserstein_distance_weighted(
    reference: &[f64],
    reference_weights: &[f64],
    batch: &[f64],
    batch_weights: &[f64],
) -> Result<f64, Error> {
    let mut steps = weighted(reference, reference_weights, Sample::Reference, 1.0)?;
    steps.extend(weighted(batch, batch_weights, Sample::Batch, -1.0)?);
    steps.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut difference = CompensatedSum::default();
    let terms = steps.windows(2).map(|pair| {
        difference.add(pair[0].1);
        match difference.value() {
            0.0 => 0.0,
            difference => difference.abs() * (pair[1].0 - pair[0].0),
        }
    });
    Ok(terms.sum::<f64>().abs())
}

/// The values of a sample, each with its share of the weight times `sign`.
fn weighted(
    values: &[f64],
    weights: &[f64],
    sample: Sample,
    sign: f64,
) -> Result<Vec<(f64, f64)>, Error> {
    check_sample(values, sample)?;
    if weights.len() != values.len() {
        return Err(Error::WeightCount { sample, got: weights.len(), expected: values.len() });
    }
    let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if let Some(position) = weights.iter().position(|weight| !is_weight(weight)) {
        return Err(Error::InvalidWeight { sample, position, got: weights[position] });
    }
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(Error::NoWeight { sample });
    }
    // Relative to the largest one, weights sum up without overflow.
    let mut sum = CompensatedSum::default();
    for weight in weights {
        sum.add(weight / largest);
    }
    let share = |weight: &f64| sign * (weight / largest / sum.value());
    // Makes 0.0 of -0.0, which is the same value.
    Ok(values.iter().map(|value| value + 0.0).zip(weights.iter().map(share)).collect())
}

/// A sum that keeps what rounding loses.
#[derive(Clone, Copy, Debug, Default)]
struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.lost += if self.sum.abs() >= term.abs() {
            (self.sum - sum) + term
        } else {
            (term - sum) + self.sum
        };
        self.sum = sum;
    }

    fn value(self) -> f64 {
        self.sum + self.lost
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distance(reference: &[f64], batch: &[f64]) -> f64 {
        wasserstein_distance(reference, batch).unwrap()
    }

    #[test]
    fn equal_shares_are_nothing_apart() {
        let distance = distance(&[0.0, 1.0, 1.0], &[1.0, -0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(distance.to_bits(), 0.0_f64.to_bits());
        assert_eq!(wasserstein_distance(&[7.0], &[7.0]).map(f64::to_bits), Ok(0));
    }

    #[test]
    fn values_that_are_far_apart_are_infinitely_so() {
        assert_eq!(distance(&[-1e308], &[1e308]), f64::INFINITY);
        // But not if there is nothing to be moved between them.
        assert_eq!(distance(&[-1e308, 1e308], &[1e308, -1e308]), 0.0);
        let distance = |batch_weights| {
            wasserstein_distance_weighted(
                &[-1e308, 1e308],
                &[1.0, 1.0],
                &[1e308, -1e308],
                batch_weights,
            )
        };
        assert_eq!(distance(&[3.0, 3.0]), Ok(0.0));
        assert_eq!(distance(&[1.0, 3.0]), Ok(f64::INFINITY));
    }

    #[test]
    fn weights_may_be_as_large_as_numbers_are() {
        let distance = wasserstein_distance_weighted(
            &[1.0, 2.0, 3.0],
            &[1e308, 1e308, 0.0],
            &[1.0, 2.0],
            &[1e-308, 3e-308],
        );
        assert!((distance.unwrap() - 0.25).abs() < 1e-15);
    }

    #[test]
    fn samples_and_weights_are_checked() {
        let sample = Sample::Batch;
        let of_values = |batch: &[f64]| wasserstein_distance(&[1.0], batch);
        assert_eq!(of_values(&[]), Err(Error::EmptySample { sample }));
        assert_eq!(of_values(&[1.0, f64::NAN]), Err(Error::NotFinite { sample, position: 1 }));
        let of_weights =
            |weights: &[f64]| wasserstein_distance_weighted(&[1.0], &[1.0], &[1.0, 2.0], weights);
        assert_eq!(of_weights(&[1.0]), Err(Error::WeightCount { sample, got: 1, expected: 2 }));
        for got in [-1.0, f64::INFINITY] {
            let error = Error::InvalidWeight { sample, position: 1, got };
            assert_eq!(of_weights(&[1.0, got]), Err(error));
        }
        let error = of_weights(&[f64::NAN, 1.0]);
        assert!(matches!(error, Err(Error::InvalidWeight { position: 0, .. })), "{error:?}");
        assert_eq!(of_weights(&[0.0, -0.0]), Err(Error::NoWeight { sample }));
    }

    fn sample() -> impl Strategy<Value = Vec<f64>> {
        prop_oneof![
            prop::collection::vec(-1e3..1e3_f64, 1..30),
            prop::collection::vec((0..8_u8).prop_map(f64::from), 1..30),
        ]
    }

    proptest! {
        #[test]
        fn a_translation_is_as_far_as_it_goes(values in sample(), offset in -1e3..1e3_f64) {
            let moved: Vec<f64> = values.iter().map(|value| value + offset).collect();
            prop_assert!((distance(&values, &moved) - offset.abs()).abs() < 1e-11);
        }

        #[test]
        fn distances_scale_with_the_values(left in sample(), right in sample()) {
            let scaled = |values: &[f64]| values.iter().map(|value| -8.0 * value).collect::<Vec<_>>();
            let expected = 8.0 * distance(&left, &right);
            let error = (distance(&scaled(&left), &scaled(&right)) - expected).abs();
            prop_assert!(error <= 1e-13 * expected, "{error:e}");
        }

        #[test]
        fn a_detour_is_not_shorter(left in sample(), middle in sample(), right in sample()) {
            let (direct, back) = (distance(&left, &right), distance(&right, &left));
            prop_assert_eq!(direct.to_bits(), back.to_bits());
            let detour = distance(&left, &middle) + distance(&middle, &right);
            prop_assert!(direct <= detour * (1.0 + 1e-12));
        }

        #[test]
        fn equal_weights_are_none(left in sample(), right in sample(), weight in 1e-3..1e3_f64) {
            let weights = |values: &[f64]| vec![weight; values.len()];
            let weighted =
                wasserstein_distance_weighted(&left, &weights(&left), &right, &weights(&right));
            prop_assert!((weighted? - distance(&left, &right)).abs() < 1e-12);
        }

        #[test]
        fn whole_weights_are_repetitions(
            rows in prop::collection::vec((-1e3..1e3_f64, 0..4_u8), 1..20), right in sample()
        ) {
            prop_assume!(rows.iter().any(|(_, weight)| *weight > 0));
            let repeated = rows.iter().flat_map(|&(value, weight)| vec![value; weight.into()]);
            let expected = distance(&repeated.collect::<Vec<_>>(), &right);
            let (values, weights): (Vec<f64>, Vec<f64>) =
                rows.iter().map(|&(value, weight)| (value, f64::from(weight))).unzip();
            let weighted =
                wasserstein_distance_weighted(&values, &weights, &right, &vec![2.0; right.len()]);
            prop_assert!((weighted? - expected).abs() < 1e-12);
        }
    }
}
