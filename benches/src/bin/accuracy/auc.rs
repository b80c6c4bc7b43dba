/// The probability that an outlier scores higher than a normal row, where equal scores count half.
///
/// It is the area under the ROC curve. `None` if there is no outlier or no normal row.
pub(crate) fn auc(scores: &[f64], is_outlier: &[bool]) -> Option<f64> {
    let mut rows: Vec<(f64, bool)> =
        scores.iter().copied().zip(is_outlier.iter().copied()).collect();
    rows.sort_unstable_by(|(left, _), (right, _)| left.total_cmp(right));
    let (mut n_normal, mut n_outliers) = (0, 0);
    // Twice the pairs in which the outlier is higher, plus those in which it is equal.
    let mut half_pairs = 0;
    for equal in rows.chunk_by(|(left, _), (right, _)| left == right) {
        let outliers = equal.iter().filter(|(_, is_outlier)| *is_outlier).count();
        let normal = equal.len() - outliers;
        half_pairs += outliers * (2 * n_normal + normal);
        n_normal += normal;
        n_outliers += outliers;
    }
    let n_pairs = n_normal * n_outliers;
    (n_pairs > 0).then(|| half_pairs as f64 / (2 * n_pairs) as f64)
}

#[cfg(test)]
mod tests {
    use mlops_core::Random;

    use super::*;

    #[test]
    fn equal_scores_count_half() {
        assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Some(0.75));
        assert_eq!(auc(&[0.5, 0.5, 0.5], &[true, false, true]), Some(0.5));
        assert_eq!(auc(&[-0.0, 0.0], &[true, false]), Some(0.5));
        // sklearn.metrics.roc_auc_score([0, 1, 0, 1, 0], [-1, 2, 2, 3, 0]), 1.9.1
        assert_eq!(
            auc(&[-1.0, 2.0, 2.0, 3.0, 0.0], &[false, true, false, true, false]),
            Some(5.5 / 6.0)
        );
    }

    #[test]
    fn one_kind_of_rows_has_none() {
        assert_eq!(auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(auc(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn it_is_the_share_of_ordered_pairs() {
        let mut random = Random::new(1);
        for n in 2..60 {
            let scores: Vec<f64> = (0..n).map(|_| random.below(10) as f64).collect();
            let is_outlier: Vec<bool> =
                (0..n).map(|row| row == 0 || (row > 1 && random.unit() < 0.3)).collect();
            let (mut sum, mut n_pairs) = (0.0, 0);
            for outlier in (0..n).filter(|&row| is_outlier[row]) {
                for normal in (0..n).filter(|&row| !is_outlier[row]) {
                    n_pairs += 1;
                    if scores[outlier] > scores[normal] {
                        sum += 1.0;
                    } else if scores[outlier] == scores[normal] {
                        sum += 0.5;
                    }
                }
            }
            assert_eq!(auc(&scores, &is_outlier), Some(sum / f64::from(n_pairs)));
        }
    }
}
