//! `POST /invocations` and its companions: MLflow's scoring protocol.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use mlops_core::Records;
use serde_json::json;

use crate::Service;
use crate::body::{is_media_type, require_plain};
use crate::problem::Problem;
use crate::protocol::invocations::{Answer as Predictions, MediaType, read};
use crate::protocol::{Answer, Protocol, to_json};
use crate::request::{Context, answer, json as json_response};
use crate::scoring::Scorer;

pub(crate) async fn invoke(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
    request: Request,
) -> Response {
    let media_type = media_type(request.headers());
    let protocol = Invocations { media_type: media_type.unwrap_or(MediaType::Json) };
    let slot = Arc::clone(&service.inner().default_slot);
    let require = |headers: &HeaderMap| {
        media_type.ok_or(Problem::UnsupportedMediaType)?;
        require_plain(headers)
    };
    match answer(&service, &slot, context, protocol, request, require).await {
        Ok(body) => json_response(body),
        Err(problem) => refuse(&problem),
    }
}

/// `GET /version`: the version of what stands in for MLflow.
pub(crate) async fn version() -> &'static str {
    concat!("mlops-serve ", env!("CARGO_PKG_VERSION"))
}

fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    [("application/json", MediaType::Json), ("text/csv", MediaType::Csv)]
        .into_iter()
        .find_map(|(name, media_type)| is_media_type(headers, name).then_some(media_type))
}

/// An error as MLflow writes it.
fn refuse(problem: &Problem) -> Response {
    let status = problem.status();
    let words = match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "This predictor only supports the following content types: \
             Types: ['application/json', 'text/csv']."
        }
        StatusCode::GATEWAY_TIMEOUT => "Request processing time exceeded limit",
        _ => {
            let code = if status.is_server_error() { "INTERNAL_ERROR" } else { "BAD_REQUEST" };
            let document = json!({"error_code": code, "message": problem.to_string()});
            let mut response = match problem {
                Problem::Invocation(error) => (status, Json(error)).into_response(),
                _ => (status, Json(document)).into_response(),
            };
            problem.add_headers(&mut response);
            return response;
        }
    };
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], words).into_response()
}

struct Invocations {
    media_type: MediaType,
}

impl Protocol for Invocations {
    fn read(&mut self, scorer: &Scorer, body: &[u8], max_rows: usize) -> Result<Records, Problem> {
        Ok(read(scorer.schema(), self.media_type, body, max_rows)?)
    }

    fn write(&self, answer: &Answer) -> Result<Vec<u8>, Problem> {
        let body = Predictions { predictions: &answer.predictions };
        to_json(&body)
    }
}
