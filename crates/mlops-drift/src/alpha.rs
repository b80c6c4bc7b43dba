use serde::{Deserialize, Serialize};

use crate::Error;

/// A significance level: the probability of a false alarm that one accepts, above 0 and below 1.
///
/// The default is 0.05.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha(f64);

impl Alpha {
    /// Makes a level of `value`.
    ///
    /// # Errors
    /// * [`Error::InvalidAlpha`] unless `0 < value < 1`
    ///
    /// # Examples
    /// ```
    /// use mlops_drift::Alpha;
    ///
    /// assert_eq!(Alpha::new(0.01)?.value(), 0.01);
    /// Alpha::new(f64::NAN).unwrap_err();
    /// # Ok::<(), mlops_drift::Error>(())
    /// ```
    pub fn new(value: f64) -> Result<Self, Error> {
        if 0.0 < value && value < 1.0 {
            Ok(Self(value))
        } else {
            Err(Error::InvalidAlpha { got: value })
        }
    }

    /// The level, above 0 and below 1.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl Default for Alpha {
    fn default() -> Self {
        Self(0.05)
    }
}

impl TryFrom<f64> for Alpha {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self, Error> {
        Self::new(value)
    }
}

impl From<Alpha> for f64 {
    fn from(alpha: Alpha) -> Self {
        alpha.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_lies_between_zero_and_one() {
        for value in [0.0, 1.0, -0.05, f64::NAN, f64::INFINITY] {
            assert!(matches!(Alpha::new(value), Err(Error::InvalidAlpha { .. })), "{value}");
        }
        serde_json::from_str::<Alpha>("1.5").unwrap_err();
        assert_eq!(serde_json::to_string(&Alpha::default()).unwrap(), "0.05");
    }
}
