use std::time::SystemTime;

use mlops_telemetry::LoggedFeedback;

/// What a row of a request turned out to be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RowLabel {
    /// The request that the row was part of.
    pub request_id: String,
    /// The row, counted from 0.
    pub row: usize,
    /// The class, counted from 0, or the number that the model should have predicted.
    pub label: f64,
    /// When it was known, as far as that is known itself.
    pub time: Option<SystemTime>,
}

impl RowLabel {
    /// The truth about a row; nobody knows since when.
    ///
    /// # Examples
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use mlops_pipeline::labels::RowLabel;
    ///
    /// let label = RowLabel::new("a1", 0, 1.0).time(SystemTime::UNIX_EPOCH);
    /// assert_eq!(label.time, Some(SystemTime::UNIX_EPOCH));
    /// ```
    pub fn new(request_id: impl Into<String>, row: usize, label: f64) -> Self {
        Self { request_id: request_id.into(), row, label, time: None }
    }

    /// The same truth, known since `time`.
    #[must_use]
    pub fn time(self, time: SystemTime) -> Self {
        Self { time: Some(time), ..self }
    }
}

impl From<LoggedFeedback> for RowLabel {
    fn from(feedback: LoggedFeedback) -> Self {
        let LoggedFeedback { request_id, row, label, time, .. } = feedback;
        Self { request_id, row, label, time }
    }
}
