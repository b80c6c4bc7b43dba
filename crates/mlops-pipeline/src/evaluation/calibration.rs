use mlops_core::metric::Ranking;
use serde::Serialize;

use super::ScoredRows;

/// Whether probabilities mean what they say: of rows with a probability of 0.3, three in ten should be positive.
///
/// Rows are sorted by probability and cut into bins of equal counts. Rows of one probability stay together, so that the
/// counts differ and there may be fewer bins; these are the bins of scikit-learn's `calibration_curve` with the strategy
/// `quantile`.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{CalibrationCurve, ScoredRows};
///
/// let rows = ScoredRows::new(&[0.25, 0.25, 0.75, 0.75], &[false, true, true, true])?;
/// let curve = CalibrationCurve::of(&rows, 2);
/// let upper = &curve.bins[1];
/// assert_eq!((upper.mean_predicted, upper.observed_share, upper.n_rows), (0.75, 1.0, 2));
/// assert_eq!(curve.expected_calibration_error, 0.25);
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CalibrationCurve {
    /// From the lowest probabilities to the highest; none is empty.
    pub bins: Vec<CalibrationBin>,
    /// The mean distance between what is predicted and what is observed over the bins, each weighted by its rows, in
    /// `[0, 1]` (Naeini, Cooper, Hauskrecht 2015, *Obtaining well calibrated probabilities using Bayesian binning*,
    /// AAAI 29). Of few rows it is above 0 by chance even if the probabilities are right.
    pub expected_calibration_error: f64,
}

/// Rows of similar probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// The mean of their probabilities, in `[0, 1]`.
    pub mean_predicted: f64,
    /// The share of them that is positive, in `[0, 1]`.
    pub observed_share: f64,
    /// How many they are, at least one.
    pub n_rows: usize,
}

impl CalibrationCurve {
    /// The curve of rows in this many bins, at least one.
    pub fn of(rows: &ScoredRows<'_>, n_bins: usize) -> Self {
        // More bins than rows are as many as rows.
        let n_bins = n_bins.clamp(1, rows.len());
        // The row in sorted order at which the bin of a number ends, if ties do not take it further.
        let last = |bin: usize| (rows.len() - 1) * (bin + 1) / n_bins;
        let (mut bins, mut members) = (Vec::new(), Vec::new());
        let (mut n_seen, mut bin) = (0, 0);
        for tied in Ranking::new(rows.probabilities()).ties() {
            members.extend_from_slice(tied);
            n_seen += tied.len();
            if last(bin) < n_seen {
                bins.push(CalibrationBin::of(rows, &members));
                members.clear();
                // Bins that end among the same ties are one.
                while bin < n_bins && last(bin) < n_seen {
                    bin += 1;
                }
            }
        }
        let distance = |bin: &CalibrationBin| {
            bin.n_rows as f64 * (bin.mean_predicted - bin.observed_share).abs()
        };
        let distances: f64 = bins.iter().map(distance).sum();
        Self { bins, expected_calibration_error: distances / rows.len() as f64 }
    }
}

impl CalibrationBin {
    fn of(rows: &ScoredRows<'_>, members: &[usize]) -> Self {
        let predicted: f64 = members.iter().map(|row| f64::from(rows.probabilities()[*row])).sum();
        let n_positives = members.iter().filter(|row| rows.labels()[**row]).count();
        let n_rows = members.len();
        let mean = |sum: f64| sum / n_rows as f64;
        Self { mean_predicted: mean(predicted), observed_share: mean(n_positives as f64), n_rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_stay_together_and_no_row_is_lost() {
        let probabilities: Vec<f32> = (0_u8..100).map(|row| f32::from(row / 30) / 4.0).collect();
        let labels: Vec<bool> = (0..100).map(|row| row % 3 == 0).collect();
        let rows = ScoredRows::new(&probabilities, &labels).unwrap();
        for n_bins in [0, 1, 2, 3, 7, 10, 100, 1000, usize::MAX] {
            let bins = CalibrationCurve::of(&rows, n_bins).bins;
            assert!(!bins.is_empty() && bins.len() <= n_bins.clamp(1, 4), "{n_bins}");
            assert_eq!(bins.iter().map(|bin| bin.n_rows).sum::<usize>(), 100);
        }
    }

    #[test]
    fn bins_without_ties_hold_the_same_number_of_rows() {
        let probabilities: Vec<f32> = (0_u8..40).map(|row| f32::from(row) / 64.0).collect();
        let rows = ScoredRows::new(&probabilities, &[true; 40]).unwrap();
        let bins = CalibrationCurve::of(&rows, 4).bins;
        assert_eq!(bins.iter().map(|bin| bin.n_rows).collect::<Vec<_>>(), [10; 4]);
    }

    #[test]
    fn one_row_is_a_bin() {
        let rows = ScoredRows::new(&[0.25], &[true]).unwrap();
        let curve = CalibrationCurve::of(&rows, 10);
        assert_eq!((curve.bins.len(), curve.expected_calibration_error), (1, 0.75));
    }
}
