//! How good predicted probabilities are.

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
    let losses = probabilities.iter().zip(labels);
    let losses =
        losses.map(|(probability, label)| log_loss_of(*probability, f64::from(u8::from(*label))));
    losses.sum::<f64>() / labels.len().max(1) as f64
}

/// The negative log-likelihood of a label, which is 0, 1 or between them.
pub(crate) fn log_loss_of(probability: f32, label: f64) -> f64 {
    let probability = f64::from(probability).clamp(1e-16, 1.0 - 1e-16);
    let loss = |share: f64, log: f64| if share > 0.0 { -share * log } else { 0.0 };
    loss(label, probability.ln()) + loss(1.0 - label, (-probability).ln_1p())
}

/// The area under the ROC curve, in `[0, 1]`: the probability that a positive row is scored above a negative one, ties
/// counting one half (the Mann-Whitney statistic). `None` without rows of both classes.
///
/// # Examples
/// ```
/// use mlops_xgboost::roc_auc;
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
    area(scores, |row| weight(row, true), |row| weight(row, false))
}

/// The same of rows that are positive with one weight and negative with another.
pub(crate) fn area(
    scores: &[f32],
    positive: impl Fn(usize) -> f64,
    negative: impl Fn(usize) -> f64,
) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut positives, mut negatives) = (0.0, 0.0);
    // Twice the weight of pairs that are ordered rightly; of single rows, an integer, and exact.
    let mut twice_ordered = 0.0;
    for tied in order.chunk_by(|&a, &b| scores[a].total_cmp(&scores[b]).is_eq()) {
        let tied_positives: f64 = tied.iter().map(|row| positive(*row)).sum();
        let tied_negatives: f64 = tied.iter().map(|row| negative(*row)).sum();
        twice_ordered += tied_positives * (2.0 * negatives + tied_negatives);
        positives += tied_positives;
        negatives += tied_negatives;
    }
    (positives > 0.0 && negatives > 0.0).then(|| twice_ordered / (2.0 * positives * negatives))
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
    }
}
