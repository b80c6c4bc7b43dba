//! `POST /predict`: records in, predictions and monitoring out, in the words of the original service.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use mlops_core::{Records, RecordsLimits};
use mlops_telemetry::{MonitoringJson, Predictions};
use serde::Serialize;

use crate::body::require_json;
use crate::problem::Problem;
use crate::protocol::{Answer, Protocol, to_json};
use crate::request::{Context, answer, json};
use crate::scoring::Scorer;
use crate::{Form, Service};

pub(crate) async fn predict(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
    request: Request,
) -> Response {
    let id = context.id;
    let protocol = Original { form: service.inner().form };
    let slot = Arc::clone(&service.inner().default_slot);
    match answer(&service, &slot, context, protocol, request, require_json).await {
        Ok(body) => json(body),
        Err(problem) => problem.into_response(id),
    }
}

struct Original {
    form: Form,
}

/// The answer; it stands in an array, alone.
#[derive(Serialize)]
struct Body<'a> {
    predictions: &'a Predictions,
    monitoring: MonitoringJson<'a>,
}

impl Protocol for Original {
    fn read(&mut self, scorer: &Scorer, body: &[u8], max_rows: usize) -> Result<Records, Problem> {
        Ok(Records::from_json(scorer.schema(), body, RecordsLimits::default().max_rows(max_rows))?)
    }

    fn write(&self, answer: &Answer) -> Result<Vec<u8>, Problem> {
        let monitoring = answer.monitoring.to_json(answer.scorer.schema(), self.form);
        let body = Body { predictions: &answer.predictions, monitoring };
        to_json(&[body])
    }
}
