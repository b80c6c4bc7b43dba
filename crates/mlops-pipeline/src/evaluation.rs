//! How good a classifier with two classes is on rows that it was not trained on.
//!
//! Everything is made of [`ScoredRows`]: probabilities and what was true. What needs rows of both classes is `None` where
//! there is only one, and the rest is still there.

mod bootstrap;
mod brier;
mod calibration;
mod confusion;
mod error;
mod precision_recall;
mod rank_test;
mod roc;
mod scored_rows;
mod spiegelhalter;

use mlops_core::metric;
use serde::Serialize;

pub use bootstrap::{Difference, ModelComparison, PairedBootstrap};
pub use brier::brier_score;
pub use calibration::{CalibrationBin, CalibrationCurve};
pub use confusion::Confusion;
pub use error::EvaluationError;
pub use precision_recall::{PrecisionRecallCurve, PrecisionRecallPoint};
pub use rank_test::mann_whitney_z;
pub use roc::{RocCurve, RocPoint};
pub use scored_rows::ScoredRows;
pub use spiegelhalter::spiegelhalter_z;

/// What there is to know about the probabilities of a model.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{Evaluation, ScoredRows};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// let evaluation = Evaluation::of(&rows, 0.5);
/// assert_eq!(evaluation.metrics()[0], ("roc_auc", 0.75));
/// assert_eq!(evaluation.confusion.false_negatives, 1);
///
/// let one_class = Evaluation::of(&rows.select(&[0, 1])?, 0.5);
/// assert!(one_class.roc.is_none());
/// assert_eq!(one_class.metrics()[0].0, "log_loss");
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// How many rows there are.
    pub n_rows: usize,
    /// How many of them are positive.
    pub n_positives: usize,
    /// The ROC curve; `None` unless there are rows of both classes.
    pub roc: Option<RocCurve>,
    /// The precision-recall curve; `None` without positive rows.
    pub precision_recall: Option<PrecisionRecallCurve>,
    /// The calibration curve in ten bins.
    pub calibration: CalibrationCurve,
    /// The [log-loss](metric::log_loss), in `[0, 16 ln 10]`; lower is better.
    pub log_loss: f64,
    /// The [Brier score](brier_score), in `[0, 1]`; lower is better.
    pub brier_score: f64,
    /// Rows with a probability above it are called positive.
    pub threshold: f64,
    /// What rows are called at the threshold.
    pub confusion: Confusion,
}

/// So many bins has a calibration curve.
const BINS: usize = 10;

impl Evaluation {
    /// Measures the probabilities of rows, and what rows are called if those with a probability above the threshold are
    /// positive.
    pub fn of(rows: &ScoredRows<'_>, threshold: f64) -> Self {
        Self {
            n_rows: rows.len(),
            n_positives: rows.n_positives(),
            roc: RocCurve::of(rows),
            precision_recall: PrecisionRecallCurve::of(rows),
            calibration: CalibrationCurve::of(rows, BINS),
            log_loss: metric::log_loss(rows.probabilities(), rows.labels()),
            brier_score: brier_score(rows),
            threshold,
            confusion: Confusion::at(rows, threshold),
        }
    }

    /// The numbers by their names, those that there are: `roc_auc`, `average_precision`, `log_loss`, `brier_score`,
    /// `expected_calibration_error`, and `accuracy`, `precision`, `recall` and `f1` at the threshold.
    pub fn metrics(&self) -> Vec<(&'static str, f64)> {
        let Self { calibration, confusion, .. } = self;
        let metrics = [
            ("roc_auc", self.roc.as_ref().map(|curve| curve.auc)),
            ("average_precision", self.precision_recall.as_ref().map(|it| it.average_precision)),
            ("log_loss", Some(self.log_loss)),
            ("brier_score", Some(self.brier_score)),
            ("expected_calibration_error", Some(calibration.expected_calibration_error)),
            ("accuracy", Some(confusion.accuracy())),
            ("precision", confusion.precision()),
            ("recall", confusion.recall()),
            ("f1", confusion.f1()),
        ];
        metrics.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
