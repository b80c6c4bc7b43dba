//! What operators ask for, on a port that clients do not reach.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::Service;
use crate::problem::Problem;
use crate::request::Context;

/// `POST /admin/reload`: asks the sources of new versions now.
pub(crate) async fn reload(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
) -> Response {
    match spawn_blocking(move || service.reload()).await {
        Ok(Ok(n_swapped)) => Json(json!({"swapped": n_swapped})).into_response(),
        Ok(Err(error)) => Problem::reload(&error).into_response(context.id),
        Err(_) => Problem::Internal.into_response(context.id),
    }
}
