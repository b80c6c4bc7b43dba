//! How good the scores and probabilities of a classifier with two classes are.

/// The mean negative log-likelihood of the labels, in `[0, 16 ln 10]`; lower is better.
///
/// ```text
/// -mean( y ln p + (1 - y) ln(1 - p) )        p moved into [1e-16, 1 - 1e-16]
/// ```
///
/// Without any row it is 0.
///
/// # Panics
/// If there is not one label per probability.
#[track_caller]
pub fn log_loss(probabilities: &[f32], labels: &[bool]) -> f64 {
    assert_eq!(probabilities.len(), labels.len(), "one label per probability");
    let losses = probabilities.iter().zip(labels).map(|(probability, label)| {
        negative_log_likelihood(*probability, f64::from(u8::from(*label)))
    });
    losses.sum::<f64>() / labels.len().max(1) as f64
}

/// What one row adds to the [log-loss](log_loss), in `[0, 16 ln 10]`: the negative log-likelihood of its label, which is
/// 0, 1 or a share between them.
pub fn negative_log_likelihood(probability: f32, label: f64) -> f64 {
    let probability = f64::from(probability).clamp(1e-16, 1.0 - 1e-16);
    let loss = |share: f64, log: f64| if share > 0.0 { -share * log } else { 0.0 };
    loss(label, probability.ln()) + loss(1.0 - label, (-probability).ln_1p())
}

/// The area under the ROC curve, in `[0, 1]`: the probability that a positive row is scored above a negative one, ties
/// counting one half (the Mann-Whitney statistic). `None` without rows of both classes.
///
/// # Examples
/// ```
/// use mlops_core::metric::roc_auc;
///
/// assert_eq!(roc_auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Some(0.75));
/// ```
///
/// # Panics
/// If there is not one label per score.
#[track_caller]
pub fn roc_auc(scores: &[f32], labels: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), labels.len(), "one label per score");
    let weight = |row: usize, label: bool| f64::from(u8::from(labels[row] == label));
    Ranking::new(scores).roc_auc(|row| weight(row, true), |row| weight(row, false))
}

/// Rows in the order of their scores, sorted once for whatever is measured of the order.
///
/// # Examples
/// ```
/// use mlops_core::metric::Ranking;
///
/// let ranking = Ranking::new(&[0.8, 0.1, 0.8]);
/// assert_eq!(ranking.ties().collect::<Vec<_>>(), [&[1][..], &[0, 2]]);
/// // The last row is half positive and half negative.
/// let (positive, negative) = ([1.0, 0.0, 0.5], [0.0, 1.0, 0.5]);
/// let auc = ranking.roc_auc(|row| positive[row], |row| negative[row]);
/// assert_eq!(auc, Some((1.5 * 1.0 + 1.5 * 0.5 / 2.0) / (1.5 * 1.5)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    rows: Vec<usize>,
    /// Where rows of one score end and those of the next begin, from 0 to the number of rows.
    bounds: Vec<usize>,
}

impl Ranking {
    /// Sorts rows by their scores. Not a number is below or above all numbers, as its sign says.
    pub fn new(scores: &[f32]) -> Self {
        let mut rows: Vec<usize> = (0..scores.len()).collect();
        rows.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        // Zeros are equal whatever their sign, and so is what is not a number to itself.
        let are_tied =
            |a: usize, b: usize| scores[a] == scores[b] || scores[a].total_cmp(&scores[b]).is_eq();
        let mut bounds = vec![0];
        for tied in rows.chunk_by(|&a, &b| are_tied(a, b)) {
            bounds.push(bounds[bounds.len() - 1] + tied.len());
        }
        Self { rows, bounds }
    }

    /// The rows of each score, from the lowest score to the highest.
    pub fn ties(&self) -> impl DoubleEndedIterator<Item = &[usize]> + ExactSizeIterator {
        self.bounds.windows(2).map(|bounds| &self.rows[bounds[0]..bounds[1]])
    }

    /// The [area under the ROC curve](roc_auc) of rows that are positive with one weight and negative with another, each
    /// at least 0. `None` if either has no weight at all.
    pub fn roc_auc(
        &self,
        positive: impl Fn(usize) -> f64,
        negative: impl Fn(usize) -> f64,
    ) -> Option<f64> {
        let (mut positives, mut negatives) = (0.0, 0.0);
        // Twice the weight of pairs that are ordered rightly; of single rows, an integer, and exact.
        let mut twice_ordered = 0.0;
        for tied in self.ties() {
            let tied_positives: f64 = tied.iter().map(|row| positive(*row)).sum();
            let tied_negatives: f64 = tied.iter().map(|row| negative(*row)).sum();
            twice_ordered += tied_positives * (2.0 * negatives + tied_negatives);
            positives += tied_positives;
            negatives += tied_negatives;
        }
        (positives > 0.0 && negatives > 0.0).then(|| twice_ordered / (2.0 * positives * negatives))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_scikit_learn() {
        let probabilities = [0.1, 0.4, 0.4, 0.8, 0.9];
        let labels = [false, true, false, false, true];
        // sklearn 1.9.1, of the 32-bit probabilities: log_loss == 0.6494550764348259, roc_auc_score == 0.75
        assert_eq!(roc_auc(&probabilities, &labels), Some(0.75));
        assert!((log_loss(&probabilities, &labels) - 0.649_455_076_434_825_9).abs() < 1e-15);
    }

    #[test]
    fn perfect_and_hopeless_predictions_are_finite() {
        assert!(log_loss(&[0.0, 1.0], &[true, false]) < 37.0);
        assert!(log_loss(&[1.0, 0.0], &[true, false]).abs() < 1e-12);
        assert_eq!(log_loss(&[], &[]), 0.0);
    }

    #[test]
    fn one_class_has_no_curve() {
        assert_eq!(roc_auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(roc_auc(&[], &[]), None);
        assert_eq!(Ranking::new(&[]).ties().len(), 0);
    }

    #[test]
    fn zeros_of_either_sign_are_tied_and_so_are_missing_scores() {
        assert_eq!(roc_auc(&[-0.0, 0.0], &[true, false]), Some(0.5));
        assert_eq!(roc_auc(&[f32::NAN, f32::NAN], &[true, false]), Some(0.5));
    }
}
