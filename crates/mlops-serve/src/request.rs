use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use mlops_telemetry::RequestId;

use crate::admission::Place;
use crate::metrics::Shed;
use crate::problem::Problem;
use crate::protocol::Protocol;
use crate::slot::Slot;
use crate::{Service, body};

/// What is known of a request before it is read.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) id: RequestId,
    pub(crate) time: SystemTime,
    pub(crate) received: Instant,
    /// The trace that the request is part of: 32 hexadecimal digits.
    pub(crate) trace_id: Option<String>,
}

/// A request came in on a connection above the limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surplus;

/// Reads the body of a request, lets it in, and answers it in the form of a protocol.
pub(crate) async fn answer<P: Protocol>(
    service: &Service,
    slot: &Arc<Slot>,
    context: Context,
    protocol: P,
    request: Request,
    require: impl FnOnce(&HeaderMap) -> Result<(), Problem>,
) -> Result<Vec<u8>, Problem> {
    let (_place, body) = enter(service, request, require).await?;
    service.answer(slot, context, protocol, body).await
}

/// Reads the body of a request and lets it in; it is worked on as long as the place is held.
pub(crate) async fn enter(
    service: &Service,
    request: Request,
    require: impl FnOnce(&HeaderMap) -> Result<(), Problem>,
) -> Result<(Place, Vec<u8>), Problem> {
    let (limits, admission) = (service.limits(), &service.inner().admission);
    let overloaded = || {
        service.metrics().count_shed(Shed::InFlight);
        Problem::Overloaded
    };
    let (head, body) = request.into_parts();
    // A flood is turned away before its bodies take time and room.
    if admission.is_full() {
        body::discard(body, limits.body_bytes);
        return Err(overloaded());
    }
    if let Err(problem) = service.authorize(&head.headers) {
        body::discard(body, limits.body_bytes);
        return Err(problem);
    }
    // The body is read in any case, so that the client gets to read the answer.
    let mut room = admission.room();
    let body = body::read(body, limits.body_bytes, &mut room, limits.body_time).await;
    let body = body.map_err(|problem| match problem {
        Problem::Overloaded => overloaded(),
        problem => problem,
    })?;
    require(&head.headers)?;
    let place = admission.enter(Some(room)).ok_or_else(overloaded)?;
    Ok((place, body))
}

/// A response of JSON.
pub(crate) fn json(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body.into()).into_response()
}
