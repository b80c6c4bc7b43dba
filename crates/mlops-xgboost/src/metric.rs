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
    let losses = probabilities.iter().zip(labels).map(|(&probability, &label)| {
        let probability = f64::from(probability).clamp(1e-16, 1.0 - 1e-16);
        -if label { probability.ln() } else { (-probability).ln_1p() }
    });
    losses.sum::<f64>() / labels.len().max(1) as f64
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
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let n_positive = labels.iter().filter(|label| **label).count() as f64;
    let n_negative = labels.len() as f64 - n_positive;
    if n_positive == 0.0 || n_negative == 0.0 {
        return None;
    }
    // Twice the pairs that are ordered rightly: an integer, and exact.
    let mut twice_ordered = 0.0;
    let mut negatives_below = 0.0;
    for tied in order.chunk_by(|&a, &b| scores[a].total_cmp(&scores[b]).is_eq()) {
        let positives = tied.iter().filter(|&&row| labels[row]).count() as f64;
        let negatives = tied.len() as f64 - positives;
        twice_ordered += positives * (2.0 * negatives_below + negatives);
        negatives_below += negatives;
    }
    Some(twice_ordered / (2.0 * n_positive * n_negative))
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
