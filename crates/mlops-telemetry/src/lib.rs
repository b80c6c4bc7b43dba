#![doc = include_str!("../README.md")]

mod audit;
mod encode;
mod error;
mod event;
mod lines;
mod privacy;
mod queue;
mod reader;
mod request_id;
mod telemetry;
#[cfg(test)]
mod testing;

pub use audit::{AuditCounts, AuditError, AuditLog, AuditOptions};
pub use encode::{Form, MonitoringJson};
pub use error::Error;
pub use event::{Event, Feedback, Inference, ModelVersion, Monitoring, Part, Predictions, Role};
pub use lines::{LineFormat, MAX_LINE};
pub use privacy::Privacy;
pub use reader::{
    LogEntries, LogReader, Logged, LoggedFeedback, LoggedRequest, ReadCounts, rfc_3339,
};
pub use request_id::{RequestId, RequestIds};
pub use telemetry::{Counts, Telemetry, TelemetryBuilder};
