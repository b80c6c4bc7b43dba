use std::borrow::Cow;

use super::EvaluationError;

/// Rows with the probability that a model gives to the positive class, and with what they are: what every measure here
/// is made of. There is at least one, and all probabilities are in `[0, 1]`.
///
/// # Examples
/// ```
/// use mlops_pipeline::evaluation::{ScoredRows, brier_score};
///
/// let all = ScoredRows::new(&[0.75, 0.5, 0.25], &[true, true, false])?;
/// assert_eq!(brier_score(&all), (0.0625 + 0.25 + 0.0625) / 3.0);
/// let some = all.select(&[0, 2])?;
/// assert_eq!(brier_score(&some), 0.0625);
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredRows<'a> {
    probabilities: Cow<'a, [f32]>,
    labels: Cow<'a, [bool]>,
}

impl<'a> ScoredRows<'a> {
    /// Rows with the probability of the positive class and whether they are of it.
    ///
    /// # Errors
    /// * [`Lengths`](EvaluationError::Lengths) if there is not one label per probability
    /// * [`NoRows`](EvaluationError::NoRows) if there is none
    /// * [`NotAProbability`](EvaluationError::NotAProbability) if one is not in `[0, 1]`
    pub fn new(probabilities: &'a [f32], labels: &'a [bool]) -> Result<Self, EvaluationError> {
        if probabilities.len() != labels.len() {
            let (probabilities, labels) = (probabilities.len(), labels.len());
            return Err(EvaluationError::Lengths { probabilities, labels });
        }
        let is_wrong = |probability: &f32| !(0.0..=1.0).contains(probability);
        if let Some(row) = probabilities.iter().position(is_wrong) {
            return Err(EvaluationError::NotAProbability { row, got: probabilities[row] });
        }
        Self::of(Cow::Borrowed(probabilities), Cow::Borrowed(labels))
    }

    /// Some of the rows, by their numbers from zero, such as those of a slice of the data. A number may come twice.
    ///
    /// # Errors
    /// * [`NoSuchRow`](EvaluationError::NoSuchRow) if a number is too high
    /// * [`NoRows`](EvaluationError::NoRows) if there is none
    pub fn select(&self, rows: &[usize]) -> Result<ScoredRows<'static>, EvaluationError> {
        let n_rows = self.len();
        if let Some(row) = rows.iter().copied().find(|row| *row >= n_rows) {
            return Err(EvaluationError::NoSuchRow { row, n_rows });
        }
        let probabilities = rows.iter().map(|row| self.probabilities[*row]).collect();
        let labels = rows.iter().map(|row| self.labels[*row]).collect();
        ScoredRows::of(Cow::Owned(probabilities), Cow::Owned(labels))
    }

    fn of(probabilities: Cow<'a, [f32]>, labels: Cow<'a, [bool]>) -> Result<Self, EvaluationError> {
        let rows = Self { probabilities, labels };
        if rows.len() == 0 { Err(EvaluationError::NoRows) } else { Ok(rows) }
    }

    /// How many rows there are, at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The probability of the positive class of each row.
    pub fn probabilities(&self) -> &[f32] {
        &self.probabilities
    }

    /// Whether each row is of the positive class.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// How many rows are of the positive class.
    pub(crate) fn n_positives(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_probability_is_refused() {
        for got in [-0.1, 1.1, f32::INFINITY] {
            let error = ScoredRows::new(&[0.0, 1.0, got], &[true, true, false]).unwrap_err();
            assert_eq!(error, EvaluationError::NotAProbability { row: 2, got });
        }
        let error = ScoredRows::new(&[f32::NAN], &[true]).unwrap_err();
        assert_eq!(error.to_string(), "probability NaN at row 0, expected one from 0 to 1");
    }

    #[test]
    fn rows_that_do_not_match_are_refused() {
        let error = ScoredRows::new(&[0.5], &[]).unwrap_err();
        assert_eq!(error, EvaluationError::Lengths { probabilities: 1, labels: 0 });
        assert_eq!(ScoredRows::new(&[], &[]).unwrap_err(), EvaluationError::NoRows);
        let rows = ScoredRows::new(&[0.5], &[true]).unwrap();
        let error = rows.select(&[0, 1]).unwrap_err();
        assert_eq!(error, EvaluationError::NoSuchRow { row: 1, n_rows: 1 });
        assert_eq!(rows.select(&[]).unwrap_err(), EvaluationError::NoRows);
    }

    #[test]
    fn selected_rows_stand_in_the_order_asked_for() {
        let rows = ScoredRows::new(&[0.1, 0.2, 0.3], &[true, false, true]).unwrap();
        let selected = rows.select(&[2, 0, 2]).unwrap();
        assert_eq!(selected.probabilities(), [0.3, 0.1, 0.3]);
        assert_eq!(selected.labels(), [true, true, true]);
    }
}
