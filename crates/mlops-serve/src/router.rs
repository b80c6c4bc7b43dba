use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use crate::Service;
use crate::routes::{health, predict, problems};

pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/", get(health::endpoints))
        .route("/predict", post(predict::predict))
        .route("/healthz", get(health::alive))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(problems::not_found)
        .method_not_allowed_fallback(problems::method_not_allowed)
        .layer(from_fn_with_state(service.clone(), observe))
        .with_state(service)
}

/// Names every request, and counts it by endpoint and status.
async fn observe(
    State(service): State<Service>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = service.next_request_id();
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    if let Some(value) = id.header_value() {
        response.headers_mut().insert("x-request-id", value);
    }
    // A path as the client wrote it would let clients make as many counters as they like.
    let endpoint = path.as_ref().map_or("none", MatchedPath::as_str);
    service.metrics().observe_request(endpoint, response.status(), started.elapsed());
    response
}

#[cfg(test)]
mod tests;
