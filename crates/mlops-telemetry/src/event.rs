use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mlops_core::{Classification, DriftReport, OutlierReport, Prediction, Records};
use serde::Serialize;

use crate::RequestId;

/// Something that a service tells of: a request that it answered, or what became of one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request was answered.
    Inference(Box<Inference>),
    /// The truth about a row of an earlier request is known.
    Feedback(Feedback),
}

impl Event {
    /// The request that it is about.
    pub fn request_id(&self) -> RequestId {
        match self {
            Self::Inference(inference) => inference.request_id,
            Self::Feedback(feedback) => feedback.request_id,
        }
    }

    /// The memory that the event holds, in bytes, roughly.
    pub fn size(&self) -> usize {
        match self {
            Self::Inference(inference) => inference.size(),
            Self::Feedback(_) => size_of::<Self>(),
        }
    }
}

/// A request that a model answered: what came in and what went out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inference {
    /// When the request came in.
    pub time: SystemTime,
    /// How long it took to answer.
    pub duration: Duration,
    /// The name of the request.
    pub request_id: RequestId,
    /// The trace that the request is part of: 32 hexadecimal digits of a W3C `traceparent`.
    pub trace_id: Option<String>,
    /// The model that answered.
    pub model: Arc<ModelVersion>,
    /// Whether the client got this answer.
    pub role: Role,
    /// The rows of the request.
    pub records: Arc<Records>,
    /// What the model said.
    pub predictions: Predictions,
    /// What the detectors said.
    pub monitoring: Monitoring,
}

impl Inference {
    /// An answer of now, which took no time and that no detector looked at; set what is different.
    pub fn new(
        request_id: RequestId,
        model: Arc<ModelVersion>,
        records: Arc<Records>,
        predictions: Predictions,
    ) -> Self {
        Self {
            time: SystemTime::now(),
            duration: Duration::ZERO,
            request_id,
            trace_id: None,
            model,
            role: Role::Champion,
            records,
            predictions,
            monitoring: Monitoring::default(),
        }
    }

    fn size(&self) -> usize {
        let n_rows = self.records.n_rows();
        let n_features = self.records.schema().len();
        // A feature's drift takes about as much as its name and twenty numbers, a row's outlier result seven.
        let drift = 192 * n_features * usize::from(self.monitoring.drift.is_some());
        let outliers = 56 * n_rows * usize::from(self.monitoring.outliers.is_some());
        let outputs = self.predictions.outputs.values.len();
        size_of::<Self>() + 8 * n_rows * n_features + 12 * outputs + drift + outliers
    }
}

/// A model and its version, as a registry names them.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// The version, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl ModelVersion {
    /// A model and its version, if it has one.
    pub fn new(name: impl Into<String>, version: Option<String>) -> Self {
        Self { name: name.into(), version }
    }
}

/// Whether a client got an answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// The answer went to the client.
    #[default]
    Champion,
    /// The answer is logged and compared, and nobody got it.
    Challenger,
}

/// What a model says about the rows of one request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Predictions {
    /// The class of each row, counted from 0; `None` for a model that predicts numbers.
    pub classes: Option<Vec<u32>>,
    /// Rows x outputs: the probabilities of a classifier, the numbers of another model.
    pub outputs: Prediction,
}

impl From<Classification> for Predictions {
    fn from(classification: Classification) -> Self {
        let Classification { classes, probabilities, .. } = classification;
        Self { classes: Some(classes), outputs: probabilities }
    }
}

impl From<Prediction> for Predictions {
    fn from(outputs: Prediction) -> Self {
        Self { classes: None, outputs }
    }
}

/// What the detectors say about the rows of one request; `None` for a detector that there is not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Monitoring {
    /// Whether the rows, taken together, differ from the training rows.
    pub drift: Option<Part<DriftReport>>,
    /// How abnormal each row is.
    pub outliers: Option<Part<OutlierReport>>,
}

/// A detector's report, or the statement that there is none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Part<T> {
    /// The report.
    Available(T),
    /// The detector failed, or was not ready in time.
    Unavailable,
}

impl<T> Part<T> {
    /// The report, if there is one.
    pub fn report(&self) -> Option<&T> {
        match self {
            Self::Available(report) => Some(report),
            Self::Unavailable => None,
        }
    }
}

/// The truth about a row, learned after it was predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Feedback {
    /// When the truth came in.
    pub time: SystemTime,
    /// The request that the row was part of.
    pub request_id: RequestId,
    /// The row, counted from 0.
    pub row: usize,
    /// The class or the number that the model should have predicted.
    pub label: f64,
}

impl Feedback {
    /// A truth that came in now.
    pub fn new(request_id: RequestId, row: usize, label: f64) -> Self {
        Self { time: SystemTime::now(), request_id, row, label }
    }
}
