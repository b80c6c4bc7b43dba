mod check;
mod verdict;

use crate::evaluation::{
    EvaluationError, PairedBootstrap, ScoredRows, mann_whitney_z, spiegelhalter_z,
};

pub use check::Check;
pub use verdict::Verdict;

/// Decides whether a challenger may take the place of a champion, by rows that neither was trained on.
///
/// A challenger passes if all of these hold:
///
/// * There are [enough rows](Check::Rows) of both classes; with fewer, nothing else is looked at.
/// * It [orders the rows better than chance](Check::Order), at a level of 0.001: labels that say nothing, such as shuffled
///   ones, let no model pass.
/// * Its area under the ROC curve is [not worse by more than the margin](Check::RocAuc): the lower end of the interval of
///   the difference, by the [paired bootstrap](PairedBootstrap), is not below minus the margin. So a challenger that is as
///   good as the champion passes if there are rows enough to show it.
/// * In [no slice](Check::Slice) it is worse by more than the margin beyond doubt: there the upper end is not below minus
///   the margin, as slices have few rows. A slice without enough rows says nothing.
/// * Its [probabilities are not wrong](Check::Calibration) at a level of 0.001 by [`spiegelhalter_z`], or else less wrong
///   than the champion's.
///
/// The intervals take each row for independent of the others: leave copies out.
///
/// # Examples
/// ```
/// use mlops_pipeline::Gate;
/// use mlops_pipeline::evaluation::ScoredRows;
///
/// let labels: Vec<bool> = (0..400).map(|row| row % 4 == 0).collect();
/// let knowing: Vec<f32> = (0..400).map(|row| if row % 4 == 0 || row % 16 == 1 { 0.8 } else { 0.01 }).collect();
/// let guessing: Vec<f32> = (0_u16..400).map(|row| f32::from(row % 7) / 10.0).collect();
/// let [knowing, guessing] = [ScoredRows::new(&knowing, &labels)?, ScoredRows::new(&guessing, &labels)?];
///
/// assert!(Gate::new().judge(&guessing, &knowing, &[])?.is_passed());
/// let verdict = Gate::new().judge(&knowing, &guessing, &[])?;
/// assert!(!verdict.is_passed());
/// assert!(verdict.to_string().contains("FAILED: AUC"));
/// # Ok::<(), mlops_pipeline::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Gate {
    margin: f64,
    min_rows_of_class: usize,
    bootstrap: PairedBootstrap,
}

/// Above it, an area under the ROC curve is one of a thousand of models that know nothing.
const ORDER_Z: f64 = 3.090_232_306_167_813;
/// Further from 0 are one of a thousand samples of right probabilities.
const CALIBRATION_Z: f64 = 3.290_526_731_491_926;

impl Default for Gate {
    fn default() -> Self {
        Self { margin: 0.02, min_rows_of_class: 20, bootstrap: PairedBootstrap::new() }
    }
}

impl Gate {
    /// A margin of 0.02, at least 20 rows of each class, and intervals at a level of 0.95.
    pub fn new() -> Self {
        Self::default()
    }

    /// By how much the area under the ROC curve may be lower, in `[0, 1]`; 0.02 unless it is set.
    pub fn margin(self, margin: f64) -> Self {
        Self { margin, ..self }
    }

    /// How many rows of each class there must be, at least one; 20 unless it is set. The intervals are too narrow for a few
    /// dozen.
    pub fn min_rows_of_class(self, n_rows: usize) -> Self {
        Self { min_rows_of_class: n_rows.max(1), ..self }
    }

    /// How the intervals of the differences are made.
    pub fn bootstrap(self, bootstrap: PairedBootstrap) -> Self {
        Self { bootstrap, ..self }
    }

    /// Compares two models on the same rows, in the same order, and on slices of them, which are given by name and by the
    /// numbers of their rows, from 0.
    ///
    /// # Errors
    /// * [`Margin`](EvaluationError::Margin) if the margin is not in `[0, 1]`
    /// * [`Level`](EvaluationError::Level) if the level of the intervals is not in `(0, 1)`
    /// * [`DifferentRows`](EvaluationError::DifferentRows) if the models' rows have not the same labels
    /// * [`NoSuchRow`](EvaluationError::NoSuchRow) if a slice names a row that is not there
    pub fn judge(
        &self,
        champion: &ScoredRows<'_>,
        challenger: &ScoredRows<'_>,
        slices: &[(&str, &[usize])],
    ) -> Result<Verdict, EvaluationError> {
        let Self { margin, min_rows_of_class, bootstrap } = *self;
        if !(0.0..=1.0).contains(&margin) {
            return Err(EvaluationError::Margin { got: margin });
        }
        let n_positives = challenger.n_positives();
        let n_negatives = challenger.len() - n_positives;
        let mut checks =
            vec![Check::Rows { n_positives, n_negatives, min_of_class: min_rows_of_class }];
        if !checks[0].is_passed() {
            return Ok(Verdict { checks });
        }
        let comparison = bootstrap.compare(champion, challenger)?;
        checks.push(Check::Order { z: mann_whitney_z(challenger), needed: ORDER_Z });
        checks.push(Check::RocAuc { difference: comparison.roc_auc, margin });
        for (name, rows) in slices {
            let name = (*name).to_owned();
            let is_enough = self.is_enough(challenger, rows)?;
            checks.push(if is_enough {
                let [champion, challenger] = [champion.select(rows)?, challenger.select(rows)?];
                let difference = bootstrap.compare(&champion, &challenger)?.roc_auc;
                Check::Slice { name, difference: Some(difference), margin }
            } else {
                Check::Slice { name, difference: None, margin }
            });
        }
        checks.push(Check::Calibration {
            champion: spiegelhalter_z(champion),
            challenger: spiegelhalter_z(challenger),
            allowed: CALIBRATION_Z,
        });
        Ok(Verdict { checks })
    }

    /// Whether a slice has rows enough to be judged.
    fn is_enough(&self, scored: &ScoredRows<'_>, rows: &[usize]) -> Result<bool, EvaluationError> {
        if rows.is_empty() {
            return Ok(false);
        }
        let slice = scored.select(rows)?;
        let n_positives = slice.n_positives();
        Ok(n_positives.min(slice.len() - n_positives) >= self.min_rows_of_class)
    }
}

#[cfg(test)]
mod tests;
