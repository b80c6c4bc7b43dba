pub(crate) mod feedback;
pub(crate) mod invocations;
pub(crate) mod open_inference;

use std::sync::Arc;

use mlops_core::{Records, Violation};
use mlops_telemetry::{Monitoring, Predictions, RequestId};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::scoring::{Explanation, Scorer};

/// How rows come in and answers go out: the part of a request that differs from protocol to protocol.
pub(crate) trait Protocol: Send + 'static {
    /// Reads the rows of a body for the version that answers, at most `max_rows`.
    fn read(&mut self, scorer: &Scorer, body: &[u8], max_rows: usize) -> Result<Records, Problem>;

    /// Whether the answer shall be explained.
    fn explains(&self) -> bool {
        false
    }

    /// Writes the body of the response.
    fn write(&self, answer: &Answer) -> Result<Vec<u8>, Problem>;
}

/// What a service says about the rows of one request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) request_id: RequestId,
    pub(crate) scorer: Arc<Scorer>,
    pub(crate) records: Arc<Records>,
    pub(crate) predictions: Predictions,
    pub(crate) explanation: Option<Explanation>,
    pub(crate) monitoring: Monitoring,
}

/// The body of a response, as JSON.
pub(crate) fn to_json(answer: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut body, answer).map_err(|_| Problem::Internal)?;
    Ok(body)
}

/// The answer to a few rows of a dozen features.
const USUAL_BYTES: usize = 2 << 10;

/// Violations for a protocol that says what is wrong in one text.
fn sentence(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn is_object(json: &RawValue) -> bool {
    json.get().starts_with('{')
}

fn is_list(json: &RawValue) -> bool {
    json.get().starts_with('[')
}
