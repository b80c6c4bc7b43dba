use mlops_core::Records;
use ndarray::Array2;

use crate::Error;

/// Rows with their labels.
#[derive(Clone, Debug)]
pub struct Dataset<'a> {
    /// Rows x features, rounded to 32 bits as the trees see them.
    pub(super) values: Array2<f32>,
    pub(super) labels: &'a [bool],
    pub(super) feature_names: Vec<String>,
}

impl<'a> Dataset<'a> {
    /// Takes one label per row of `records`.
    ///
    /// # Errors
    /// * [`Error::LabelCount`] if there are more or fewer labels than rows
    pub fn new(records: &Records, labels: &'a [bool]) -> Result<Self, Error> {
        if labels.len() != records.n_rows() {
            return Err(Error::LabelCount { labels: labels.len(), rows: records.n_rows() });
        }
        #[expect(clippy::cast_possible_truncation, reason = "trees compute in 32 bits")]
        let values = records.values().mapv(|value| value as f32);
        Ok(Self {
            values,
            labels,
            feature_names: records.schema().names().map(str::to_owned).collect(),
        })
    }

    pub(super) fn n_rows(&self) -> usize {
        self.values.nrows()
    }

    /// The share of positive labels.
    pub(super) fn positive_share(&self) -> f32 {
        let positives = self.labels.iter().filter(|label| **label).count();
        #[expect(clippy::cast_possible_truncation, reason = "a share fits 32 bits")]
        let share = (positives as f64 / self.labels.len() as f64) as f32;
        share
    }

    pub(super) fn has_both_classes(&self) -> bool {
        self.labels.contains(&true) && self.labels.contains(&false)
    }
}
