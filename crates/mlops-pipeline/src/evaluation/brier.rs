use super::ScoredRows;

/// The mean squared distance between the probabilities and what rows are, 0 or 1 (Brier 1950, *Verification of forecasts
/// expressed in terms of probability*, Monthly Weather Review 78); in `[0, 1]`, lower is better.
pub fn brier_score(rows: &ScoredRows<'_>) -> f64 {
    let squared = rows.probabilities().iter().zip(rows.labels()).map(|(probability, label)| {
        (f64::from(*probability) - f64::from(u8::from(*label))).powi(2)
    });
    squared.sum::<f64>() / rows.len() as f64
}
