use std::ops::Add;

use super::dataset::Dataset;
use super::histogram::{Gradient, Sum};
use super::threads::Threads;
use crate::Error;
use crate::objective::{Objective, sigmoid, softmax};

/// What a booster is trained for; the names are XGBoost's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrainingObjective {
    /// `binary:logistic`: the probability of label 1, where labels are 0 and 1 or between them.
    #[default]
    BinaryLogistic,
    /// `reg:squarederror`: the mean of any numbers.
    SquaredError,
    /// `multi:softprob`: the probabilities of several classes, whose labels count from 0.
    Softprob {
        /// The number of classes, at least 2.
        n_classes: usize,
    },
}

/// Second derivatives below this are raised to it, as in XGBoost.
const MIN_HESSIAN: f32 = 1e-16;
/// The share of a class without rows, as in XGBoost.
const MIN_SHARE: f64 = 1e-6;

impl TrainingObjective {
    /// XGBoost's name of the objective.
    pub fn name(self) -> &'static str {
        match self {
            Self::BinaryLogistic => "binary:logistic",
            Self::SquaredError => "reg:squarederror",
            Self::Softprob { .. } => "multi:softprob",
        }
    }

    /// The number of margins of a row, for each of which a round trains a tree.
    pub(super) fn n_outputs(self) -> usize {
        match self {
            Self::Softprob { n_classes } => n_classes,
            _ => 1,
        }
    }

    /// Refuses labels that have no loss.
    pub(super) fn check(self, labels: &[f32]) -> Result<(), Error> {
        let expected = match self {
            Self::BinaryLogistic => "0 to 1",
            Self::SquaredError => "a finite number",
            Self::Softprob { .. } => "a class, counted from 0",
        };
        let is_valid = |label: f32| match self {
            Self::BinaryLogistic => (0.0..=1.0).contains(&label),
            Self::SquaredError => true,
            Self::Softprob { n_classes } => {
                label.fract() == 0.0 && class(label).is_some_and(|class| class < n_classes)
            }
        };
        match labels.iter().position(|label| !is_valid(*label)) {
            Some(row) => Err(Error::Label { row, expected }),
            None => Ok(()),
        }
    }

    /// The objective as the booster keeps it.
    pub(super) fn of_booster(self, scale_pos_weight: f32) -> Objective {
        match self {
            Self::BinaryLogistic => Objective::binary_logistic(scale_pos_weight),
            Self::SquaredError => Objective::squared_error(),
            Self::Softprob { n_classes } => Objective::softprob(n_classes),
        }
    }

    /// What predictions start with: the mean of the labels, or for each class the logarithm of its share, less the mean of
    /// these logarithms. Where positive rows count more, it is a step of Newton's from a probability of one half.
    #[expect(clippy::cast_possible_truncation, reason = "XGBoost's base scores have 32 bits")]
    pub(super) fn base_scores(self, dataset: &Dataset, scale_pos_weight: f32) -> Vec<f32> {
        match self {
            Self::BinaryLogistic if scale_pos_weight != 1.0 => {
                let margins = vec![0.0; dataset.n_rows()];
                let gradients =
                    self.gradients(&margins, dataset, scale_pos_weight, Threads::One).concat();
                let total = gradients.into_iter().map(Sum::from).fold(Sum::default(), Add::add);
                vec![sigmoid((-total.first / total.second) as f32)]
            }
            Self::BinaryLogistic | Self::SquaredError => {
                vec![mean(dataset, f64::from) as f32]
            }
            Self::Softprob { n_classes } => {
                let log = |output| {
                    let is_class = |label| f64::from(u8::from(class(label) == Some(output)));
                    mean(dataset, is_class).max(MIN_SHARE).ln()
                };
                let logs: Vec<f64> = (0..n_classes).map(log).collect();
                let mean = logs.iter().sum::<f64>() / n_classes as f64;
                logs.into_iter().map(|log| (log - mean) as f32).collect()
            }
        }
    }

    /// The derivatives of the loss of each output by its margins, which are rows x outputs.
    pub(super) fn gradients(
        self,
        margins: &[f32],
        dataset: &Dataset,
        scale_pos_weight: f32,
        threads: Threads,
    ) -> Vec<Vec<Gradient>> {
        let threads = threads.for_work(10 * margins.len());
        let of_rows = |gradient: &(dyn Fn(usize, f32, f32) -> Gradient + Sync)| {
            let mut gradients = vec![Gradient::default(); dataset.n_rows()];
            threads.fill(&mut gradients, 1, |first, gradients| {
                for (row, place) in (first..).zip(gradients) {
                    *place = gradient(row, dataset.labels[row], dataset.weight(row));
                }
            });
            gradients
        };
        match self {
            Self::BinaryLogistic => vec![of_rows(&|row, label, weight| {
                let weight = if label == 1.0 { weight * scale_pos_weight } else { weight };
                let probability = sigmoid(margins[row]);
                let second = (probability * (1.0 - probability)).max(MIN_HESSIAN);
                Gradient { first: (probability - label) * weight, second: second * weight }
            })],
            Self::SquaredError => vec![of_rows(&|row, label, weight| Gradient {
                first: (margins[row] - label) * weight,
                second: weight,
            })],
            Self::Softprob { n_classes } => {
                let mut probabilities = margins.to_vec();
                threads.fill(&mut probabilities, n_classes, |_, probabilities| {
                    probabilities.chunks_exact_mut(n_classes).for_each(softmax);
                });
                let of_output = |output| {
                    of_rows(&|row, label, weight| {
                        let p = probabilities[row * n_classes + output];
                        let target = f32::from(u8::from(class(label) == Some(output)));
                        let second = (2.0 * p * (1.0 - p) * weight).max(MIN_HESSIAN);
                        Gradient { first: (p - target) * weight, second }
                    })
                };
                (0..n_classes).map(of_output).collect()
            }
        }
    }
}

/// The mean of what `value` says of labels, by the weights of their rows.
fn mean(dataset: &Dataset, value: impl Fn(f32) -> f64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (row, label) in dataset.labels.iter().enumerate() {
        let weight = f64::from(dataset.weight(row));
        sum += weight * value(*label);
        weights += weight;
    }
    sum / weights
}

/// The class of a label that is a whole number.
pub(super) fn class(label: f32) -> Option<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a class, as checked"
    )]
    (label >= 0.0).then_some(label as usize)
}
