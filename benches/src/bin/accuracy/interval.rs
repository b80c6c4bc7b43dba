use std::fmt::{self, Display, Formatter};

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Interval {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// The mean of independent values, at least two, with the interval of Student's t distribution.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(0.975);
        let mean = mean(values);
        let margin = t * deviation(values) / n.sqrt();
        Some(Self { mean, low: mean - margin, high: mean + margin })
    }
}

impl Display for Interval {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { mean, low, high } = self;
        write!(f, "{mean:+.5}, 95 % interval {low:+.5} to {high:+.5}")
    }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of a sample.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let sum: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (sum / (values.len() as f64 - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_student() {
        let interval = Interval::of(&[1.0, 2.0, 4.0, 5.5]).unwrap();
        // scipy.stats.t.interval(0.95, 3, np.mean(x), scipy.stats.sem(x)), 1.17.1
        let expected = [3.125, -0.082_212_797_914_707_81, 6.332_212_797_914_708];
        for (got, expected) in
            [interval.mean, interval.low, interval.high].into_iter().zip(expected)
        {
            assert!((got - expected).abs() < 1e-9, "{got} {expected}");
        }
    }

    #[test]
    fn one_value_has_none() {
        assert_eq!(Interval::of(&[1.0]), None);
        assert_eq!(Interval::of(&[]), None);
    }
}
