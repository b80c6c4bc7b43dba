use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use mlops_core::Records;
use ndarray::Array2;

use crate::ModelVersion;

/// What a log tells of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Logged {
    /// A request that was answered.
    Request(Box<LoggedRequest>),
    /// The truth about a row of a request.
    Feedback(LoggedFeedback),
}

/// A request and its answer, as far as the log shows them.
///
/// Whatever is about rows has an entry for each of `rows`, in their order, or none at all.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The name of the request.
    pub request_id: String,
    /// When the request came in, or the earliest time that the log knows.
    pub time: Option<SystemTime>,
    /// The service that answered.
    pub service_name: Option<String>,
    /// The model that answered; the original service did not tell.
    pub model: Option<ModelVersion>,
    /// Whether nobody got this answer: it is a challenger's.
    pub is_shadow: bool,
    /// How long it took to answer.
    pub duration: Option<Duration>,
    /// Whether the log has all of the request.
    pub is_complete: bool,
    /// How many rows the request has.
    pub n_rows: usize,
    /// Which rows the log has, counted from 0, ascending.
    pub rows: Vec<usize>,
    /// The values of the rows; NaN for one that was missing, is hidden or cannot be read. `None` if the
    /// log has no values, as for a challenger, or more than 2^23.
    pub records: Option<Records>,
    /// Whether `records` has all that each row had: not if the log has no inputs of the row, a value that fits
    /// no feature or not into 32 bits, or none in a column that is absent or hidden. None without records.
    pub is_whole: Vec<bool>,
    /// The columns of the schema that the log does not have, in schema order; none without records.
    pub absent: Vec<String>,
    /// The columns in which the log has hashes, in schema order.
    pub hidden: Vec<String>,
    /// What the model said: a class, counted from 0, or a number for each row; of a model with several
    /// outputs, all of a row behind each other. NaN for a row of which the log has none.
    pub predictions: Vec<f64>,
    /// Rows x outputs: the probability of the positive class or of each class; NaN as in `predictions`.
    pub probabilities: Option<Array2<f64>>,
    /// How abnormal each row is; NaN if the log has no score.
    pub outlier_scores: Vec<f64>,
    /// Whether each row is an outlier; `None` if the log does not tell.
    pub outlier_flags: Vec<Option<bool>>,
    /// The p-values of drift, in `[0, 1]`, by feature.
    pub p_values: BTreeMap<String, f64>,
}

/// The truth about a row of a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoggedFeedback {
    /// When the truth came in, or the earliest time that the log knows.
    pub time: Option<SystemTime>,
    /// The service that took it.
    pub service_name: Option<String>,
    /// The request that the row was part of.
    pub request_id: String,
    /// The row, counted from 0.
    pub row: usize,
    /// The class or the number that the model should have predicted.
    pub label: f64,
}
