use crate::Error;

/// How an isolation forest is fitted; made by
/// [`IsolationForest::params`](crate::IsolationForest::params).
///
/// The defaults are those of the paper: 100 trees of 256 rows each. Further trees hardly change the
/// scores, and larger samples hide outliers in crowds ("swamping") and behind each other
/// ("masking").
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct IsolationForestParams {
    pub(crate) n_trees: usize,
    pub(crate) max_samples: usize,
    pub(crate) seed: u64,
    pub(crate) contamination: Contamination,
}

impl IsolationForestParams {
    /// The number of trees, at least 1; 100 by default.
    ///
    /// The first trees of a larger forest are those of a smaller one with the same seed.
    pub fn n_trees(self, n_trees: usize) -> Self {
        Self { n_trees, ..self }
    }

    /// The number of training rows that each tree is grown from, drawn without replacement, at
    /// least 1; 256 by default, and never more than there are.
    pub fn max_samples(self, max_samples: usize) -> Self {
        Self { max_samples, ..self }
    }

    /// The seed of all random numbers; 0 by default. Data, parameters and seed determine the
    /// forest.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The share of the training rows that the threshold lets count as outliers; 0.01 by default.
    pub fn contamination(self, contamination: Contamination) -> Self {
        Self { contamination, ..self }
    }
}

impl Default for IsolationForestParams {
    fn default() -> Self {
        Self { n_trees: 100, max_samples: 256, seed: 0, contamination: Contamination::default() }
    }
}

/// A share of outliers in training data, in `(0, 0.5]`; 0.01 by default.
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
        if value > 0.0 && value <= 0.5 {
            Ok(Self(value))
        } else {
            Err(Error::InvalidContamination { got: value })
        }
    }

    /// The share, in `(0, 0.5]`.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl Default for Contamination {
    fn default() -> Self {
        Self(0.01)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contamination_is_a_share_of_at_most_one_half() {
        for value in [f64::MIN_POSITIVE, 0.01, 0.5] {
            assert_eq!(Contamination::new(value).unwrap().value(), value);
        }
        for value in [0.0, -0.1, 0.5_f64.next_up(), f64::INFINITY, f64::NAN] {
            assert!(Contamination::new(value).is_err(), "{value}");
        }
    }
}
