use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::{Service, body};

/// `POST /predict`: records in, predictions and monitoring out.
pub(crate) async fn predict(
    State(service): State<Service>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    match answer(&service, id, request).await {
        Ok(body) => {
            ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
        }
        Err(problem) => problem.into_response(id),
    }
}

async fn answer(service: &Service, id: RequestId, request: Request) -> Result<Vec<u8>, Problem> {
    let limits = service.limits();
    let (head, body) = request.into_parts();
    // The body is read in any case, so that the client gets to read the answer.
    let body = body::read(body, limits.body_bytes, limits.body_time).await?;
    body::require_json(&head.headers)?;
    service.answer(id, body).await
}
