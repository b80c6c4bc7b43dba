use mlops_core::metric::Ranking;
use serde::Serialize;

use super::ScoredRows;

/// How many rows of each class are called what: a row is called positive if its probability is above a threshold.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{Confusion, ScoredRows};
///
/// let rows = ScoredRows::new(&[0.9, 0.6, 0.5, 0.2], &[true, false, true, false])?;
/// let confusion = Confusion::at(&rows, 0.5);
/// assert_eq!((confusion.true_positives, confusion.false_negatives), (1, 1));
/// assert_eq!(confusion.accuracy(), 0.5);
/// assert_eq!(confusion.precision(), Some(0.5));
/// assert_eq!(Confusion::at(&rows, 1.0).precision(), None);
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Confusion {
    /// Positive rows that are called so.
    pub true_positives: usize,
    /// Negative rows that are called positive.
    pub false_positives: usize,
    /// Negative rows that are called so.
    pub true_negatives: usize,
    /// Positive rows that are called negative.
    pub false_negatives: usize,
}

impl Confusion {
    /// What rows are called if those with a probability above the threshold are positive. With a threshold that is not a
    /// number, none is.
    pub fn at(rows: &ScoredRows<'_>, threshold: f64) -> Self {
        let mut confusion = Self::none(rows);
        for (probability, label) in rows.probabilities().iter().zip(rows.labels()) {
            if f64::from(*probability) > threshold {
                confusion.call_positive(*label);
            }
        }
        confusion
    }

    /// What rows are called at each threshold that makes a difference, from none positive to all.
    pub(super) fn at_each_threshold(
        rows: &ScoredRows<'_>,
        ranking: &Ranking,
    ) -> impl Iterator<Item = (f64, Self)> {
        let score = |tied: &[usize]| tied.first().map(|row| f64::from(rows.probabilities()[*row]));
        let mut confusion = Self::none(rows);
        let mut ties = ranking.ties().rev().peekable();
        let highest = ties.peek().and_then(|tied| score(tied)).unwrap_or(1.0);
        let called = std::iter::from_fn(move || {
            let tied = ties.next()?;
            for row in tied {
                confusion.call_positive(rows.labels()[*row]);
            }
            // Below the lowest probability is 0, or what is no probability.
            let below_all = score(tied).map_or(0.0, |lowest| if lowest > 0.0 { 0.0 } else { -1.0 });
            let threshold = ties.peek().and_then(|tied| score(tied)).unwrap_or(below_all);
            Some((threshold, confusion))
        });
        std::iter::once((highest, Self::none(rows))).chain(called)
    }

    fn none(rows: &ScoredRows<'_>) -> Self {
        let false_negatives = rows.n_positives();
        let true_negatives = rows.len() - false_negatives;
        Self { true_positives: 0, false_positives: 0, true_negatives, false_negatives }
    }

    fn call_positive(&mut self, label: bool) {
        if label {
            self.true_positives += 1;
            self.false_negatives -= 1;
        } else {
            self.false_positives += 1;
            self.true_negatives -= 1;
        }
    }

    /// The share of rows that are called what they are, in `[0, 1]`.
    pub fn accuracy(self) -> f64 {
        let Self { true_positives, false_positives, true_negatives, false_negatives } = self;
        let right = true_positives + true_negatives;
        right as f64 / (right + false_positives + false_negatives) as f64
    }

    /// The share of positive rows among those that are called so, in `[0, 1]`; `None` if none is.
    pub fn precision(self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of the positive rows that are called so, in `[0, 1]`; `None` if there is none.
    pub fn recall(self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The share of the negative rows that are called positive, in `[0, 1]`; `None` if there is none.
    pub fn false_positive_rate(self) -> Option<f64> {
        share(self.false_positives, self.false_positives + self.true_negatives)
    }

    /// The harmonic mean of precision and recall, in `[0, 1]`; `None` if no row is positive or called so.
    pub fn f1(self) -> Option<f64> {
        let Self { true_positives, false_positives, false_negatives, .. } = self;
        share(2 * true_positives, 2 * true_positives + false_positives + false_negatives)
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_what_they_are_and_are_called() {
        let probabilities = [0.9, 0.6, 0.5, 0.2, 0.1, 0.4];
        let rows = ScoredRows::new(&probabilities, &[true, false, true, false, false, true]);
        let Confusion { true_positives, false_positives, true_negatives, false_negatives } =
            Confusion::at(&rows.unwrap(), 0.5);
        let counts = [true_positives, false_positives, true_negatives, false_negatives];
        assert_eq!(counts, [1, 1, 2, 2]);
    }

    #[test]
    fn each_threshold_of_a_curve_calls_what_it_says() {
        for probabilities in [[0.9, 0.5, 0.5, 0.2], [1.0, 1.0, 0.0, 0.3], [0.0; 4], [1.0; 4]] {
            let rows = ScoredRows::new(&probabilities, &[true, false, true, false]).unwrap();
            let ranking = Ranking::new(rows.probabilities());
            let at_each: Vec<_> = Confusion::at_each_threshold(&rows, &ranking).collect();
            assert_eq!(at_each.len(), ranking.ties().len() + 1);
            for (threshold, confusion) in at_each {
                assert_eq!(Confusion::at(&rows, threshold), confusion, "{threshold}");
            }
        }
    }

    #[test]
    fn what_has_no_rows_has_no_share() {
        let negative = ScoredRows::new(&[0.1, 0.2], &[false, false]).unwrap();
        let confusion = Confusion::at(&negative, 0.5);
        assert_eq!(confusion.accuracy(), 1.0);
        assert_eq!([confusion.precision(), confusion.recall(), confusion.f1()], [None; 3]);
        assert_eq!(confusion.false_positive_rate(), Some(0.0));
        assert_eq!(Confusion::at(&negative, f64::NAN), confusion);
        let positive = ScoredRows::new(&[0.1], &[true]).unwrap();
        assert_eq!(Confusion::at(&positive, 0.5).f1(), Some(0.0));
        assert_eq!(Confusion::at(&positive, 0.5).false_positive_rate(), None);
    }
}
