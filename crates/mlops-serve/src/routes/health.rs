use std::fmt::Write;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::ROUTES;
use crate::Service;
use crate::problem::Problem;
use crate::request::Context;

/// `GET /`: what there is.
pub(crate) async fn endpoints() -> String {
    ROUTES.iter().fold(String::new(), |mut list, route| {
        // Writing to a text does not fail.
        let _ = writeln!(list, "{:4} {:46} {}", route.method, route.path, route.summary);
        list
    })
}

/// `GET /healthz` and `GET /livez`: the process lives.
pub(crate) async fn alive() -> &'static str {
    "\n"
}

/// `GET /readyz`: the service takes requests and is not about to stop.
pub(crate) async fn ready(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
) -> Response {
    if service.is_stopping() {
        Problem::ShuttingDown.into_response(context.id)
    } else {
        alive().await.into_response()
    }
}

/// `GET /metrics`: what the service has counted.
pub(crate) async fn metrics(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
) -> Response {
    let content_type =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    match service.metrics().encode() {
        Ok(page) => ([(CONTENT_TYPE, content_type)], page).into_response(),
        Err(_) => Problem::Internal.into_response(context.id),
    }
}
