use crate::Error;

/// A share of outliers in training data, in `(0, 0.5]`: scikit-learn's `contamination`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contamination(f64);

impl Contamination {
    /// Takes a share in `(0, 0.5]`.
    ///
    /// # Errors
    /// * [`Error::InvalidContamination`] outside of the range and for NaN
    ///
    /// # Examples
    /// ```
    /// use mlops_outlier::{Contamination, Error};
    ///
    /// assert_eq!(Contamination::new(0.05)?.value(), 0.05);
    /// assert!(Contamination::new(0.0).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(value: f64) -> Result<Self, Error> {
        if is_share(value) {
            Ok(Self(value))
        } else {
            Err(Error::InvalidContamination { got: value })
        }
    }

    /// The share, in `(0, 0.5]`.
    pub fn value(self) -> f64 {
        self.0
    }

    /// The level of the quantile that this share of scores exceeds, in `[0.5, 1)`.
    pub(crate) fn level(self) -> f64 {
        1.0 - self.0
    }
}

/// A percentile of the training scores, in `[0, 100)`: alibi-detect's `threshold_perc`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile(f64);

impl Percentile {
    /// Takes a percentile in `[0, 100)`.
    ///
    /// # Errors
    /// * [`Error::InvalidPercentile`] outside of the range and for NaN
    pub fn new(value: f64) -> Result<Self, Error> {
        if (0.0..100.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Error::InvalidPercentile { got: value })
        }
    }

    /// The percentile, in `[0, 100)`.
    pub fn value(self) -> f64 {
        self.0
    }

    /// The level of the quantile, in `[0, 1)`.
    pub(crate) fn level(self) -> f64 {
        self.0 / 100.0
    }
}

/// A probability of a false alarm for a row that is no outlier, in `(0, 0.5]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalsePositiveRate(f64);

impl FalsePositiveRate {
    /// Takes a probability in `(0, 0.5]`.
    ///
    /// # Errors
    /// * [`Error::InvalidFalsePositiveRate`] outside of the range and for NaN
    pub fn new(value: f64) -> Result<Self, Error> {
        if is_share(value) {
            Ok(Self(value))
        } else {
            Err(Error::InvalidFalsePositiveRate { got: value })
        }
    }

    /// The probability, in `(0, 0.5]`.
    pub fn value(self) -> f64 {
        self.0
    }

    /// How many of `n` scores and a new one may be above the threshold.
    pub(crate) fn of(self, n: usize) -> usize {
        // A rate that is meant as a decimal, such as 0.29, and its product are rounded.
        let allowed = self.0 * (n as f64 + 1.0) * (1.0 + 4.0 * f64::EPSILON);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below n")]
        let allowed = allowed as usize;
        allowed
    }

    /// The least number of scores of which [`of`](Self::of) is not 0.
    pub(crate) fn least_rows(self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let about = (1.0 / self.0) as usize;
        // One too few at the most, and two too many.
        let from = about.saturating_sub(2);
        (from..from.saturating_add(4)).find(|n| self.of(*n) > 0).unwrap_or(usize::MAX)
    }
}

/// Whether a value is a share of the fewer; NaN is none.
fn is_share(value: f64) -> bool {
    value > 0.0 && value <= 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contamination_and_false_alarms_are_shares_of_at_most_one_half() {
        for value in [f64::MIN_POSITIVE, 0.01, 0.5] {
            assert_eq!(Contamination::new(value).unwrap().value(), value);
            assert_eq!(FalsePositiveRate::new(value).unwrap().value(), value);
        }
        for value in [0.0, -0.1, 0.5_f64.next_up(), f64::INFINITY, f64::NAN] {
            assert!(Contamination::new(value).is_err(), "{value}");
            assert!(FalsePositiveRate::new(value).is_err(), "{value}");
        }
    }

    #[test]
    fn percentiles_are_below_one_hundred() {
        for value in [0.0, 95.0, 100.0_f64.next_down()] {
            assert_eq!(Percentile::new(value).unwrap().value(), value);
        }
        for value in [100.0, -1.0, f64::NAN] {
            assert!(Percentile::new(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_decimal_rate_allows_what_it_says() {
        for (rate, n, allowed) in [(0.29, 99, 29), (0.1, 29, 3), (0.1, 28, 2), (0.01, 98, 0)] {
            assert_eq!(FalsePositiveRate::new(rate).unwrap().of(n), allowed, "{rate} of {n}");
        }
        for (rate, n) in [(0.5, 1), (0.01, 99), (0.3, 3), (0.001, 999), (1e-300, usize::MAX)] {
            assert_eq!(FalsePositiveRate::new(rate).unwrap().least_rows(), n, "{rate}");
        }
    }
}
