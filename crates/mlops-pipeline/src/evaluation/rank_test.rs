use mlops_core::metric::Ranking;

use super::ScoredRows;

/// How far the area under the ROC curve is above one half, in the standard deviations that it has if the probabilities
/// know nothing of the labels: the Mann-Whitney statistic with its correction for ties (Mann, Whitney 1947, *On a test of
/// whether one of two random variables is stochastically larger than the other*, Annals of Mathematical Statistics 18;
/// Lehmann 1975, *Nonparametrics*, section 1.3).
///
/// ```text
/// (AUC - 1/2) / sqrt( (N + 1 - sum(t^3 - t) / (N (N - 1))) / (12 P M) )      P positive, M negative rows, N = P + M,
///                                                                            t rows of each probability
/// ```
///
/// Without knowledge it is close to a standard normal number if there are ten rows of each class and few ties: above 3.1 in
/// one of a thousand samples. `None` unless there are rows of both classes and of two probabilities.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{ScoredRows, mann_whitney_z};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// // An area of 0.75 is no news if there are four rows.
/// assert!((mann_whitney_z(&rows).ok_or("one class")? - 0.7746).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mann_whitney_z(rows: &ScoredRows<'_>) -> Option<f64> {
    let ranking = Ranking::new(rows.probabilities());
    let is = |row: usize, label: bool| f64::from(u8::from(rows.labels()[row] == label));
    let auc = ranking.roc_auc(|row| is(row, true), |row| is(row, false))?;
    let n = rows.len() as f64;
    let positives = rows.n_positives() as f64;
    let cubes = ranking.ties().map(|tied| (tied.len() as f64).powi(3) - tied.len() as f64);
    let variance =
        (n + 1.0 - cubes.sum::<f64>() / (n * (n - 1.0))) / (12.0 * positives * (n - positives));
    (variance > 0.0).then(|| (auc - 0.5) / variance.sqrt())
}
