use mlops_core::metric::Ranking;
use serde::Serialize;

use super::{Confusion, ScoredRows};

/// How precision falls as recall rises with a falling threshold: more telling than a
/// [ROC curve](super::RocCurve) if positive rows are rare.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{PrecisionRecallCurve, ScoredRows};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// let curve = PrecisionRecallCurve::of(&rows).expect("a positive row");
/// assert_eq!(curve.average_precision, 0.5 * 1.0 + 0.5 * (2.0 / 3.0));
/// assert_eq!(curve.positive_share, 0.5);
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PrecisionRecallCurve {
    /// From the highest threshold that calls a row positive to the lowest: as many points as there are different
    /// probabilities.
    pub points: Vec<PrecisionRecallPoint>,
    /// The mean of the precisions, in `[0, 1]`, each weighted by what its point adds to the recall. No line is drawn between
    /// points, which would promise too much (Davis, Goadrich 2006, *The relationship between Precision-Recall and ROC
    /// curves*, ICML 23).
    pub average_precision: f64,
    /// The share of positive rows, in `(0, 1]`: the precision of guessing.
    pub positive_share: f64,
}

/// What comes of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PrecisionRecallPoint {
    /// Rows with a probability above it are called positive; -1 if all are and one has the probability 0.
    pub threshold: f64,
    /// The share of positive rows among those that are called so, in `[0, 1]`.
    pub precision: f64,
    /// The share of the positive rows that are called so, in `[0, 1]`.
    pub recall: f64,
}

impl PrecisionRecallCurve {
    /// The curve of rows; `None` unless one of them is positive.
    pub fn of(rows: &ScoredRows<'_>) -> Option<Self> {
        let ranking = Ranking::new(rows.probabilities());
        // The first calls no row positive, and has no precision.
        let called = Confusion::at_each_threshold(rows, &ranking).skip(1);
        let points = called.map(|(threshold, confusion)| {
            let (precision, recall) = (confusion.precision()?, confusion.recall()?);
            Some(PrecisionRecallPoint { threshold, precision, recall })
        });
        let points = points.collect::<Option<Vec<_>>>()?;
        let mut average_precision = 0.0;
        let mut recall = 0.0;
        for point in &points {
            average_precision += (point.recall - recall) * point.precision;
            recall = point.recall;
        }
        let positive_share = rows.n_positives() as f64 / rows.len() as f64;
        Some(Self { points, average_precision, positive_share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positive_rows_alone_are_all_found_and_none_have_no_curve() {
        let probabilities = [0.3, 0.3, 1.0];
        let curve = |labels: &[bool]| {
            PrecisionRecallCurve::of(&ScoredRows::new(&probabilities, labels).unwrap())
        };
        let positive = curve(&[true; 3]).unwrap();
        assert!((positive.average_precision - 1.0).abs() < 1e-15);
        assert_eq!(positive.points.len(), 2);
        assert_eq!(curve(&[false; 3]), None);
    }
}
