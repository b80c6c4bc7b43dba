use ndarray::{Array0, Array1, Axis};
use ndarray_stats::interpolate::Linear;
use ndarray_stats::{MaybeNan, QuantileExt};

use crate::{Contamination, Error};

/// The score above which a row is an outlier, in `[-0.5, 0.5)`.
///
/// Scores lie in `(-0.5, 0.5]`, so that every threshold of this type can be exceeded by some
/// forest. Whether a given forest can exceed it is checked by
/// [`IsolationForest::with_threshold`](crate::IsolationForest::with_threshold).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold(f64);

impl Threshold {
    /// Takes a threshold in `[-0.5, 0.5)`.
    ///
    /// # Errors
    /// * [`Error::InvalidThreshold`] outside of the range and for NaN
    ///
    /// # Examples
    /// ```
    /// use mlops_outlier::{Error, Threshold};
    ///
    /// assert_eq!(Threshold::new(0.1)?.value(), 0.1);
    /// // A score is at most 0.5: nothing would ever be an outlier.
    /// assert_eq!(Threshold::new(5.0), Err(Error::InvalidThreshold { got: 5.0 }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(value: f64) -> Result<Self, Error> {
        if (-0.5..0.5).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Error::InvalidThreshold { got: value })
        }
    }

    /// The threshold, in `[-0.5, 0.5)`.
    pub fn value(self) -> f64 {
        self.0
    }
}

/// The score that the most abnormal `contamination` of all training rows exceed: a percentile by
/// linear interpolation, as `numpy.percentile(scores, 100 * (1 - contamination))` has it.
pub(crate) fn calibrate(scores: Vec<f64>, contamination: Contamination) -> Result<f64, Error> {
    let level = 1.0 - contamination.value();
    level
        .try_as_not_nan()
        .and_then(|&level| {
            let mut scores = Array1::from_vec(scores);
            scores.quantile_axis_skipnan_mut(Axis(0), level, &Linear).ok()
        })
        .map(Array0::into_scalar)
        .ok_or(Error::NoRows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_can_be_exceeded() {
        for value in [-0.5, 0.0, 0.5_f64.next_down()] {
            assert_eq!(Threshold::new(value).unwrap().value(), value);
        }
        for value in [0.5, 5.0, (-0.5_f64).next_down(), f64::INFINITY, f64::NAN] {
            assert!(Threshold::new(value).is_err(), "{value}");
        }
    }

    #[test]
    fn calibration_is_numpy_s_percentile() {
        let scores = vec![0.31, -0.12, 0.05, 0.22, -0.4, 0.05, 0.17];
        // numpy 2.4.6: [np.percentile(scores, 100 * (1 - c)) for c in (0.5, 0.25, 0.1, 0.01)]
        let expected = [0.05, 0.195, 0.256, 0.304_599_999_999_999_9];
        for (contamination, expected) in [0.5, 0.25, 0.1, 0.01].into_iter().zip(expected) {
            let contamination = Contamination::new(contamination).unwrap();
            let threshold = calibrate(scores.clone(), contamination).unwrap();
            assert!((threshold - expected).abs() < 1e-16, "{threshold} {expected}");
        }
    }

    #[test]
    fn one_score_is_its_own_percentile_and_none_has_none() {
        let contamination = Contamination::default();
        assert_eq!(calibrate(vec![0.1], contamination), Ok(0.1));
        assert_eq!(calibrate(vec![], contamination), Err(Error::NoRows));
    }
}
