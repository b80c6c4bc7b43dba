use mlops_core::metric::Ranking;
use serde::Serialize;

use super::{Confusion, ScoredRows};

/// How the rate of true positives rises with that of false ones as the threshold falls (receiver operating
/// characteristic).
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{RocCurve, ScoredRows};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// let curve = RocCurve::of(&rows).expect("rows of both classes");
/// assert_eq!(curve.auc, 0.75);
/// let point = &curve.points[1];
/// assert_eq!((point.false_positive_rate, point.true_positive_rate), (0.0, 0.5));
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RocCurve {
    /// From none positive to all: one point more than there are different probabilities.
    pub points: Vec<RocPoint>,
    /// The area under the curve, in `[0, 1]`: the probability that a positive row has a higher probability than a negative
    /// one, ties counting one half.
    pub auc: f64,
}

/// What comes of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RocPoint {
    /// Rows with a probability above it are called positive; -1 if all are and one has the probability 0.
    pub threshold: f64,
    /// The share of the negative rows that are called positive, in `[0, 1]`.
    pub false_positive_rate: f64,
    /// The share of the positive rows that are called so, in `[0, 1]`.
    pub true_positive_rate: f64,
}

impl RocCurve {
    /// The curve of rows; `None` unless there are rows of both classes.
    pub fn of(rows: &ScoredRows<'_>) -> Option<Self> {
        let ranking = Ranking::new(rows.probabilities());
        let weight = |row: usize, label: bool| f64::from(u8::from(rows.labels()[row] == label));
        let auc = ranking.roc_auc(|row| weight(row, true), |row| weight(row, false))?;
        let points = Confusion::at_each_threshold(rows, &ranking).map(|(threshold, confusion)| {
            let false_positive_rate = confusion.false_positive_rate()?;
            let true_positive_rate = confusion.recall()?;
            Some(RocPoint { threshold, false_positive_rate, true_positive_rate })
        });
        Some(Self { points: points.collect::<Option<_>>()?, auc })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_that_under_the_points() {
        let probabilities = [0.0, 0.2, 0.2, 0.2, 0.7, 0.7, 0.9, 1.0];
        let labels = [false, true, false, false, true, false, true, true];
        let curve = RocCurve::of(&ScoredRows::new(&probabilities, &labels).unwrap()).unwrap();
        let trapezoids = curve.points.windows(2).map(|pair| {
            let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
            width * (pair[0].true_positive_rate + pair[1].true_positive_rate) / 2.0
        });
        assert!((trapezoids.sum::<f64>() - curve.auc).abs() < 1e-15);
        let last = curve.points.last().unwrap();
        assert_eq!(
            [last.threshold, last.false_positive_rate, last.true_positive_rate],
            [-1.0, 1.0, 1.0]
        );
    }

    #[test]
    fn one_class_has_no_curve() {
        for label in [true, false] {
            let labels = [label; 2];
            let rows = ScoredRows::new(&[0.1, 0.2], &labels).unwrap();
            assert_eq!(RocCurve::of(&rows), None);
        }
    }
}
