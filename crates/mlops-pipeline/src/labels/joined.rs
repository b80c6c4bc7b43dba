use std::sync::Arc;
use std::time::SystemTime;

use mlops_core::{Records, Schema};
use ndarray::Array2;

use super::JoinCounts;

/// What came of a join.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Joined {
    /// The rows whose truth is known.
    pub rows: LabelledRows,
    /// What became of all rows and labels.
    pub counts: JoinCounts,
}

/// Rows with their labels, by the time of their request, then its name, then their place in it; requests without a time
/// come first.
///
/// All fields have an entry for each row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LabelledRows {
    /// What the model was asked; NaN is a value that was missing in the request.
    pub records: Records,
    /// What each row turned out to be: a finite number.
    pub labels: Vec<f64>,
    /// Where each row comes from; each is there once.
    pub keys: Vec<RowKey>,
    /// When the request of each row came in.
    pub times: Vec<Option<SystemTime>>,
}

/// A row of a request.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct RowKey {
    /// The name of the request.
    pub request_id: String,
    /// The row, counted from 0.
    pub row: usize,
}

/// One of [`LabelledRows`].
#[derive(Debug)]
pub(super) struct LabelledRow {
    pub(super) time: Option<SystemTime>,
    pub(super) key: RowKey,
    pub(super) values: Box<[f64]>,
    pub(super) label: f64,
}

impl LabelledRow {
    fn order(&self) -> (Option<SystemTime>, &str, usize) {
        (self.time, &self.key.request_id, self.key.row)
    }
}

impl LabelledRows {
    /// Rows in any order, with the values of records of `schema`.
    pub(super) fn new(schema: Arc<Schema>, mut rows: Vec<LabelledRow>) -> Self {
        rows.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let shape = (rows.len(), schema.len());
        let values = Array2::from_shape_fn(shape, |(row, column)| rows[row].values[column]);
        let records = Records::new(schema, values)
            .unwrap_or_else(|error| unreachable!("the values of records: {error}"));
        let labels = rows.iter().map(|row| row.label).collect();
        let times = rows.iter().map(|row| row.time).collect();
        let keys = rows.into_iter().map(|row| row.key).collect();
        Self { records, labels, keys, times }
    }
}
