use mlops_core::metric::{Ranking, negative_log_likelihood};

use super::TrainingObjective;
use super::dataset::Dataset;
use super::objective::class;
use crate::objective::largest;

/// What is measured after every round; each is a mean over the rows by their weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvalMetric {
    /// The mean negative log-likelihood of two classes; lower is better.
    LogLoss,
    /// The area under the ROC curve; higher is better, and 0.5 where there is one class only.
    Auc,
    /// The share of rows whose probability is on the wrong side of one half; lower is better.
    Error,
    /// The root of the mean squared error; lower is better.
    Rmse,
    /// The mean negative log-likelihood of several classes; lower is better.
    MultiLogLoss,
    /// The share of rows whose most probable class is not theirs; lower is better.
    MultiError,
}

impl EvalMetric {
    /// XGBoost's name of the metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLoss => "logloss",
            Self::Auc => "auc",
            Self::Error => "error",
            Self::Rmse => "rmse",
            Self::MultiLogLoss => "mlogloss",
            Self::MultiError => "merror",
        }
    }

    /// What XGBoost measures of an objective if nothing else is asked for.
    pub(super) fn of(objective: TrainingObjective) -> Self {
        match objective {
            TrainingObjective::BinaryLogistic => Self::LogLoss,
            TrainingObjective::SquaredError => Self::Rmse,
            TrainingObjective::Softprob { .. } => Self::MultiLogLoss,
        }
    }

    /// Whether the predictions of an objective can be measured so.
    pub(super) fn fits(self, objective: TrainingObjective) -> bool {
        let is_multiple = matches!(self, Self::MultiLogLoss | Self::MultiError);
        match objective {
            TrainingObjective::BinaryLogistic => !is_multiple,
            TrainingObjective::SquaredError => self == Self::Rmse,
            TrainingObjective::Softprob { .. } => is_multiple,
        }
    }

    /// The metric of predictions, rows x outputs.
    pub(super) fn evaluate(self, predictions: &[f32], dataset: &Dataset) -> f64 {
        let Dataset { labels, .. } = dataset;
        let weight = |row: usize| f64::from(dataset.weight(row));
        let n_outputs = predictions.len() / labels.len().max(1);
        let row = |row: usize| &predictions[row * n_outputs..][..n_outputs];
        let label = |row: usize| f64::from(labels[row]);
        let mean = |loss: &dyn Fn(usize) -> f64| {
            let rows = 0..labels.len();
            let (losses, weights) = rows.fold((0.0, 0.0), |(losses, weights), row| {
                (losses + weight(row) * loss(row), weights + weight(row))
            });
            if weights > 0.0 { losses / weights } else { 0.0 }
        };
        match self {
            Self::LogLoss => mean(&|at| negative_log_likelihood(predictions[at], label(at))),
            Self::Auc => {
                let positive = |row| weight(row) * label(row);
                let negative = |row| weight(row) * (1.0 - label(row));
                Ranking::new(predictions).roc_auc(positive, negative).unwrap_or(0.5)
            }
            Self::Error => mean(&|at| {
                if predictions[at] > 0.5 { 1.0 - label(at) } else { label(at) }
            }),
            Self::Rmse => mean(&|at| (f64::from(predictions[at]) - label(at)).powi(2)).sqrt(),
            Self::MultiLogLoss => {
                let probability = |at| class(labels[at]).map_or(0.0, |class| row(at)[class]);
                mean(&|at| negative_log_likelihood(probability(at), 1.0))
            }
            Self::MultiError => {
                let is_wrong = |at| Some(largest(row(at))) != class(labels[at]);
                mean(&|at| f64::from(u8::from(is_wrong(at))))
            }
        }
    }

    pub(super) fn is_better(self, value: f64, than: f64) -> bool {
        if self == Self::Auc { value > than } else { value < than }
    }
}
