use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use mlops_core::{Alarm, CheckpointError, DriftReport, JsonFault, Records, Schema};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{MAX_ALARMS, State};

const FORMAT: &str = "mlops_drift.window_monitor";
const VERSION: u32 = 1;

/// Beyond so many, counts are not those of rows that anyone has seen, and could overflow.
const MAX_COUNT: u64 = 1 << 53;

/// What stands first in a checkpoint, in every version.
#[derive(Deserialize)]
struct Header {
    format: String,
    format_version: u32,
}

/// A checkpoint of version 1.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    format_version: u32,
    window: NonZeroUsize,
    schema: Schema,
    n_rows: u64,
    n_alarms: u64,
    alarms: VecDeque<Alarm>,
    last_window: Option<DriftReport>,
    /// The values of the window that is not complete, row by row; `null` for those that are missing.
    values: Vec<Option<f64>>,
}

/// Why a checkpoint with all its fields cannot be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
enum Fault {
    #[error("the counts of rows or alarms are too large, or do not fit what is there")]
    Counts,
    #[error("a value is out of range, expected a finite 32-bit number")]
    Values,
}

pub(super) fn write(state: &State, window: NonZeroUsize, schema: &Schema) -> Vec<u8> {
    let State { n_rows, n_alarms, alarms, last_window, values } = state;
    let stored = Stored {
        format: FORMAT.to_owned(),
        format_version: VERSION,
        window,
        schema: schema.clone(),
        n_rows: *n_rows,
        n_alarms: *n_alarms,
        alarms: alarms.clone(),
        last_window: last_window.clone(),
        values: values.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect(),
    };
    // Numbers and texts only.
    serde_json::to_vec(&stored).unwrap_or_default()
}

pub(super) fn read(
    json: &[u8],
    window: NonZeroUsize,
    schema: &Arc<Schema>,
) -> Result<State, CheckpointError> {
    let malformed = |error: serde_json::Error| CheckpointError::malformed(JsonFault::from(error));
    let header: Header = serde_json::from_slice(json).map_err(malformed)?;
    if header.format != FORMAT || header.format_version != VERSION {
        return Err(CheckpointError::other_monitor());
    }
    let stored: Stored = serde_json::from_slice(json).map_err(malformed)?;
    if !stored.schema.has_columns_of(schema) {
        return Err(CheckpointError::schema_mismatch());
    }
    if stored.window != window {
        return Err(CheckpointError::other_monitor());
    }
    let Stored { n_rows, n_alarms, alarms, last_window, values, .. } = stored;
    let (n_listed, n_values) = (alarms.len(), values.len());
    let are_counted = n_rows <= MAX_COUNT
        && n_alarms <= MAX_COUNT
        && n_listed as u64 == n_alarms.min(MAX_ALARMS as u64)
        && (n_values / schema.len()) as u64 == n_rows % window.get() as u64
        && n_values.is_multiple_of(schema.len());
    if !are_counted {
        return Err(CheckpointError::malformed(Fault::Counts));
    }
    let values: Vec<f64> = values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    // The rule of what a value may be is that of records.
    let rows = Array2::from_shape_vec((n_values / schema.len(), schema.len()), values);
    let rows = rows.ok().and_then(|rows| Records::new(Arc::clone(schema), rows).ok());
    let rows = rows.ok_or_else(|| CheckpointError::malformed(Fault::Values))?;
    let values = rows.values().iter().copied().collect();
    Ok(State { n_rows, n_alarms, alarms, last_window, values })
}
