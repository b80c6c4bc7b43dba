use crate::{LoggedModelId, meta};

/// What is logged to a run at once.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LogBatch {
    /// Values of metrics; those of one metric in the order in which they were taken.
    pub metrics: Vec<NewMetric>,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// A value of a metric that is to be logged.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewMetric {
    /// The name.
    pub key: String,
    /// The value; servers with a database keep infinities as the largest number.
    pub value: f64,
    /// When, in milliseconds since 1970 in UTC.
    pub timestamp: i64,
    /// The step of the training.
    pub step: i64,
    /// The logged model that was measured; servers before MLflow 3 leave it out.
    pub model_id: Option<LoggedModelId>,
    /// The name of the data set on which it was measured; servers before MLflow 3 leave it out.
    pub dataset_name: Option<String>,
    /// The digest of that data set.
    pub dataset_digest: Option<String>,
}

impl NewMetric {
    /// A value of now.
    pub fn new(key: impl Into<String>, value: f64, step: i64) -> Self {
        Self {
            key: key.into(),
            value,
            timestamp: meta::now(),
            step,
            model_id: None,
            dataset_name: None,
            dataset_digest: None,
        }
    }
}
