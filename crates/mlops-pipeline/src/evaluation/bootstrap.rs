use mlops_core::Random;
use mlops_core::metric::{self, Ranking};
use serde::Serialize;

use super::{EvaluationError, ScoredRows};

/// Intervals of the difference between two models on the same rows, by the percentile bootstrap (Efron, Tibshirani 1993,
/// *An Introduction to the Bootstrap*, chapter 13).
///
/// Rows are drawn with replacement, as many of each class as there are, and both models are measured on what was drawn:
/// what is hard about a row is hard for both, and the interval is narrower than those of two models by themselves suggest.
/// It says how the difference would vary over other rows of the same kind, not over other trainings. Rows that depend on
/// each other, such as copies, make it too narrow; and it is too narrow for a few dozen rows of a class.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{PairedBootstrap, ScoredRows};
///
/// let labels: Vec<bool> = (0..200).map(|row| row % 4 == 0).collect();
/// let good: Vec<f32> = (0_u8..200).map(|row| if row % 4 == 0 { 0.7 } else { 0.3 }).collect();
/// let bad = vec![0.5; 200];
/// let (baseline, candidate) = (ScoredRows::new(&bad, &labels)?, ScoredRows::new(&good, &labels)?);
/// let comparison = PairedBootstrap::new().seed(7).compare(&baseline, &candidate)?;
/// assert_eq!(comparison.roc_auc.estimate, 0.5);
/// assert!(comparison.log_loss.high < 0.0);
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct PairedBootstrap {
    n_resamples: usize,
    level: f64,
    seed: u64,
}

/// How a candidate differs from a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelComparison {
    /// The area under the ROC curve, candidate minus baseline: above 0, the candidate is better.
    pub roc_auc: Difference,
    /// The log-loss, candidate minus baseline: below 0, the candidate is better.
    pub log_loss: Difference,
    /// The probability with which an interval is meant to hold the difference, in `(0, 1)`.
    pub level: f64,
    /// How often rows were drawn.
    pub n_resamples: usize,
}

/// A difference with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The difference on the rows as they are.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Default for PairedBootstrap {
    fn default() -> Self {
        Self { n_resamples: 2000, level: 0.95, seed: 0 }
    }
}

impl PairedBootstrap {
    /// 2,000 resamples, the level 0.95 and the seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often rows are drawn, at least once; 2,000 unless it is set. The ends of an interval are the less certain the
    /// fewer they are.
    pub fn resamples(self, n_resamples: usize) -> Self {
        Self { n_resamples: n_resamples.max(1), ..self }
    }

    /// The probability with which an interval is meant to hold the difference, in `(0, 1)`; 0.95 unless it is set.
    pub fn level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Decides what is drawn; 0 unless it is set.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Compares two models on the same rows, in the same order.
    ///
    /// # Errors
    /// * [`Level`](EvaluationError::Level) if the level is not in `(0, 1)`
    /// * [`DifferentRows`](EvaluationError::DifferentRows) if the models' rows have not the same labels
    /// * [`OneClass`](EvaluationError::OneClass) if there are not rows of both classes
    pub fn compare(
        &self,
        baseline: &ScoredRows<'_>,
        candidate: &ScoredRows<'_>,
    ) -> Result<ModelComparison, EvaluationError> {
        let Self { n_resamples, level, seed } = *self;
        if !(level > 0.0 && level < 1.0) {
            return Err(EvaluationError::Level { got: level });
        }
        if let Some(row) = first_difference(baseline.labels(), candidate.labels()) {
            return Err(EvaluationError::DifferentRows { row });
        }
        let pair = Pair::new(baseline, candidate);
        let mut weights = vec![1.0; pair.labels.len()];
        let estimate = pair.measure(&weights).ok_or(EvaluationError::OneClass)?;
        let mut random = Random::new(seed);
        let drawn = (0..n_resamples).filter_map(|_| {
            pair.draw(&mut random, &mut weights);
            pair.measure(&weights)
        });
        let (areas, losses) = drawn.map(|drawn| (drawn.roc_auc, drawn.log_loss)).unzip();
        Ok(ModelComparison {
            roc_auc: Difference::of(estimate.roc_auc, areas, level),
            log_loss: Difference::of(estimate.log_loss, losses, level),
            level,
            n_resamples,
        })
    }
}

impl Difference {
    fn of(estimate: f64, mut drawn: Vec<f64>, level: f64) -> Self {
        drawn.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - level) / 2.0;
        Self { estimate, low: quantile(&drawn, tail), high: quantile(&drawn, 1.0 - tail) }
    }
}

/// Two models' rows, in the orders of their scores.
struct Pair<'a> {
    labels: &'a [bool],
    rows_of: [Vec<usize>; 2],
    rankings: [Ranking; 2],
    /// What each row adds to the difference of the losses.
    losses: Vec<f64>,
}

/// The differences on rows with certain weights.
struct Measured {
    roc_auc: f64,
    log_loss: f64,
}

impl<'a> Pair<'a> {
    fn new(baseline: &'a ScoredRows<'_>, candidate: &'a ScoredRows<'_>) -> Self {
        let labels = baseline.labels();
        let (positive, negative) = (0..labels.len()).partition(|row| labels[*row]);
        let rankings = [baseline, candidate].map(|rows| Ranking::new(rows.probabilities()));
        let loss = |probability: f32, label: bool| {
            metric::negative_log_likelihood(probability, f64::from(u8::from(label)))
        };
        let probabilities = baseline.probabilities().iter().zip(candidate.probabilities());
        let losses = probabilities.zip(labels).map(|((baseline, candidate), label)| {
            loss(*candidate, *label) - loss(*baseline, *label)
        });
        Self { labels, rows_of: [positive, negative], rankings, losses: losses.collect() }
    }

    /// Counts how often each row is drawn.
    fn draw(&self, random: &mut Random, weights: &mut [f64]) {
        weights.fill(0.0);
        for rows in &self.rows_of {
            for _ in rows {
                weights[rows[random.below(rows.len())]] += 1.0;
            }
        }
    }

    fn measure(&self, weights: &[f64]) -> Option<Measured> {
        let weight = |row: usize, label| if self.labels[row] == label { weights[row] } else { 0.0 };
        let [baseline, candidate] = self
            .rankings
            .each_ref()
            .map(|ranking| ranking.roc_auc(|row| weight(row, true), |row| weight(row, false)));
        let losses = self.losses.iter().zip(weights).map(|(loss, weight)| loss * weight);
        let log_loss = losses.sum::<f64>() / weights.len() as f64;
        Some(Measured { roc_auc: candidate? - baseline?, log_loss })
    }
}

fn first_difference(left: &[bool], right: &[bool]) -> Option<usize> {
    let n_shared = left.len().min(right.len());
    let differs = (0..n_shared).find(|row| left[*row] != right[*row]);
    differs.or_else(|| (left.len() != right.len()).then_some(n_shared))
}

/// A quantile of sorted values, at least one, linear between them.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and the number of values"
    )]
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests;
