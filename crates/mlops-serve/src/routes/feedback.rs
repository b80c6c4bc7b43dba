//! `POST /v1/feedback`: what became of rows that were predicted.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mlops_telemetry::Event;
use tokio::time::timeout_at;

use crate::Service;
use crate::body::require_json;
use crate::flow::is_large;
use crate::problem::Problem;
use crate::protocol::feedback::read;
use crate::request::{Context, enter};

pub(crate) async fn feedback(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
    request: Request,
) -> Response {
    let deadline = (context.received + service.limits().request_time).into();
    let recorded = timeout_at(deadline, record(&service, request)).await;
    match recorded.unwrap_or(Err(Problem::Deadline)) {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(problem) => problem.into_response(context.id),
    }
}

/// Records all labels of a request, or none of one that is refused. Where the audit log does not take one, others may
/// have been recorded: labels are there at least once.
async fn record(service: &Service, request: Request) -> Result<(), Problem> {
    let (_place, body) = enter(service, request, require_json).await?;
    if !service.inner().records.is_there() {
        return Err(Problem::NoTelemetry);
    }
    let is_large = is_large(&body);
    let push = move |service: &Service| {
        let recorder = &service.inner().records;
        let labels = read(&body, service.limits().rows)?.into_iter();
        Ok::<_, Problem>(labels.map(|label| recorder.push(Event::Feedback(label))).collect())
    };
    let audited: Vec<_> = service.run(is_large, push).await??;
    for audited in audited.into_iter().flatten() {
        audited.wait().await?;
    }
    Ok(())
}
