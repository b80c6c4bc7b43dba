use serde::{Deserialize, Serialize};

use crate::Error;

/// The size of a difference: that of the shares of an event in two samples, from 0 to 1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Effect(f64);

impl Effect {
    /// Makes an effect of `value`.
    ///
    /// # Errors
    /// * [`Error::InvalidEffect`] unless `0 <= value <= 1`
    ///
    /// # Examples
    /// ```
    /// use mlops_drift::Effect;
    ///
    /// assert_eq!(Effect::new(0.1)?.value(), 0.1);
    /// Effect::new(f64::NAN).unwrap_err();
    /// # Ok::<(), mlops_drift::Error>(())
    /// ```
    pub fn new(value: f64) -> Result<Self, Error> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Error::InvalidEffect { got: value })
        }
    }

    /// The difference, from 0 to 1.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Effect {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self, Error> {
        Self::new(value)
    }
}

impl From<Effect> for f64 {
    fn from(effect: Effect) -> Self {
        effect.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_a_difference_of_shares() {
        for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(Effect::new(value), Err(Error::InvalidEffect { .. })), "{value}");
        }
        serde_json::from_str::<Effect>("-0.5").unwrap_err();
        assert_eq!(serde_json::to_string(&Effect::new(0.0).unwrap()).unwrap(), "0.0");
    }
}
