//! `POST /v1/feedback`: what became of rows that were predicted.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mlops_telemetry::{Event, Feedback, RequestId};
use serde_json::Value;

use crate::Service;
use crate::body::{self, require_json};
use crate::problem::Problem;
use crate::request::Context;

pub(crate) async fn feedback(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
    request: Request,
) -> Response {
    match record(&service, request).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(problem) => problem.into_response(context.id),
    }
}

async fn record(service: &Service, request: Request) -> Result<(), Problem> {
    let limits = service.limits();
    let (head, body) = request.into_parts();
    service.authorize(&head.headers)?;
    let body = body::read(body, limits.body_bytes, limits.body_time).await?;
    require_json(&head.headers)?;
    let recorder = &service.inner().records;
    if !recorder.is_there() {
        return Err(Problem::NoTelemetry);
    }
    let labels = match serde_json::from_slice(&body).map_err(|_| Problem::MalformedFeedback)? {
        Value::Array(labels) => labels,
        label => vec![label],
    };
    if labels.len() > limits.rows {
        return Err(Problem::TooManyRows { limit: limits.rows });
    }
    // All of them or none.
    let labels: Option<Vec<_>> = labels.iter().map(read).collect();
    let labels = labels.ok_or(Problem::MalformedFeedback)?.into_iter();
    let audited: Vec<_> = labels.map(|label| recorder.push(Event::Feedback(label))).collect();
    for audited in audited.into_iter().flatten() {
        audited.wait().await?;
    }
    Ok(())
}

/// Reads an object of `request_id`, `row` and `label`.
fn read(label: &Value) -> Option<Feedback> {
    let object = label.as_object().filter(|object| object.len() == 3)?;
    let request_id: RequestId = object.get("request_id")?.as_str()?.parse().ok()?;
    let row = usize::try_from(object.get("row")?.as_u64()?).ok()?;
    Some(Feedback::new(request_id, row, object.get("label")?.as_f64()?))
}
