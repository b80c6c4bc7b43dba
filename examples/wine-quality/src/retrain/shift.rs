use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::SystemTime;

use mlops_core::Records;
use mlops_telemetry::LoggedRequest;
use ndarray::Array2;
use serde::Serialize;

use super::champion::Champion;
use crate::error::Error;

/// Looks for the time from which on wines are others than those that the champion was trained on: the champion's rows in
/// windows, one after the other as the logs have them, as a monitor of the service tests them.
///
/// There is a shift if the last window rings. One that rang long ago and was followed by a quiet one was a false alarm, or
/// is over.
#[derive(Debug)]
pub(super) struct ShiftWatch<'a> {
    champion: &'a Champion,
    n_rows: usize,
    /// The values of the window that is not complete.
    values: Vec<f64>,
    /// When its first row came in.
    began: Option<SystemTime>,
    shift: Option<Shift>,
    n_windows: usize,
}

/// A shift that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Shift {
    /// The features with an alarm in the first of the last windows that all have one.
    pub(crate) features: Vec<Arc<str>>,
    /// When that window began, if the log tells times.
    #[serde(skip)]
    pub(super) since: Option<SystemTime>,
}

impl<'a> ShiftWatch<'a> {
    /// Watches windows of so many rows.
    pub(super) fn new(champion: &'a Champion, n_rows: NonZeroUsize) -> Self {
        Self {
            champion,
            n_rows: n_rows.get(),
            values: Vec::new(),
            began: None,
            shift: None,
            n_windows: 0,
        }
    }

    /// Takes note of a request, if the champion answered it.
    pub(super) fn observe(&mut self, request: &LoggedRequest) -> Result<(), Error> {
        let is_champions =
            request.model.as_ref().is_none_or(|it| it.version == self.champion.version);
        let Some(records) = &request.records else { return Ok(()) };
        if !is_champions || request.is_shadow {
            return Ok(());
        }
        let whole = records.rows().zip(&request.is_whole).filter(|(_, is_whole)| **is_whole);
        for (row, _) in whole {
            if self.values.is_empty() {
                self.began = request.time;
            }
            self.values.extend_from_slice(row);
            if self.values.len() == self.n_rows * row.len() {
                self.test()?;
            }
        }
        Ok(())
    }

    fn test(&mut self) -> Result<(), Error> {
        let schema = self.champion.windows.schema();
        let values = mem::take(&mut self.values);
        let values = Array2::from_shape_fn((self.n_rows, schema.len()), |(row, column)| {
            values[row * schema.len() + column]
        });
        let report = self.champion.windows.detect(&Records::new(Arc::clone(schema), values)?)?;
        let drifted = report.features.iter().filter(|feature| feature.is_drift == Some(true));
        let features: Vec<_> = drifted.map(|drift| Arc::clone(&drift.feature)).collect();
        self.n_windows += 1;
        self.shift = match self.shift.take() {
            _ if features.is_empty() => None,
            None => Some(Shift { features, since: self.began }),
            begun => begun,
        };
        Ok(())
    }

    /// The number of windows, and the shift that they end with.
    pub(super) fn finish(self) -> (usize, Option<Shift>) {
        (self.n_windows, self.shift)
    }
}
