use std::fmt;
use std::sync::Arc;

use mlops_core::{Random, Records};

use crate::data::measured;
use crate::error::Error;

/// A feature whose values all move by half a standard deviation.
#[derive(Debug)]
pub(super) struct Shift {
    column: usize,
    feature: String,
    by: f64,
}

impl Shift {
    /// Draws one of the measured features of the reference.
    pub(super) fn draw(reference: &Records, random: &mut Random) -> Self {
        let columns: Vec<usize> = measured(reference.schema()).collect();
        let column = columns[random.below(columns.len())];
        let feature = reference.schema().features()[column].name().to_owned();
        Self { column, feature, by: 0.5 * reference.column(column).std(0.0) }
    }

    pub(super) fn feature(&self) -> &str {
        &self.feature
    }

    pub(super) fn apply(&self, records: &Records) -> Result<Records, Error> {
        let mut values = records.values().to_owned();
        values.column_mut(self.column).mapv_inplace(|value| value + self.by);
        Ok(Records::new(Arc::clone(records.schema()), values)?)
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} raised by half a standard deviation ({:.3})", self.feature, self.by)
    }
}
