use super::ScoredRows;

/// How far the [Brier score](super::brier_score) is from what it would be if the probabilities were right, in the standard
/// deviations that it then has: Spiegelhalter's z (1986, *Probabilistic prediction in patient management and clinical
/// trials*, Statistics in Medicine 5).
///
/// ```text
/// sum( (y - p) (1 - 2 p) ) / sqrt( sum( (1 - 2 p)^2 p (1 - p) ) )
/// ```
///
/// Of right probabilities it is close to a standard normal number if there are some dozens of rows: further from 0 than 3.3
/// in one of a thousand samples. Above 0 rows are less certain than their probabilities say, below 0 more certain. Without any
/// variance, of probabilities that are all 0, one half or 1, it is 0 or infinite.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{ScoredRows, spiegelhalter_z};
///
/// let labels: Vec<bool> = (0..100).map(|row| row < 60).collect();
/// let too_certain = vec![0.9; 100];
/// assert!(spiegelhalter_z(&ScoredRows::new(&too_certain, &labels)?) > 9.0);
/// let right = vec![0.6; 100];
/// assert!(spiegelhalter_z(&ScoredRows::new(&right, &labels)?).abs() < 1e-5);
/// assert_eq!(spiegelhalter_z(&ScoredRows::new(&[1.0, 1.0], &[true, false])?), f64::INFINITY);
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
pub fn spiegelhalter_z(rows: &ScoredRows<'_>) -> f64 {
    let (mut distance, mut variance) = (0.0, 0.0);
    for (probability, label) in rows.probabilities().iter().zip(rows.labels()) {
        let (p, y) = (f64::from(*probability), f64::from(u8::from(*label)));
        distance += (y - p) * (1.0 - 2.0 * p);
        variance += (1.0 - 2.0 * p).powi(2) * p * (1.0 - p);
    }
    if distance == 0.0 { 0.0 } else { distance / variance.sqrt() }
}
