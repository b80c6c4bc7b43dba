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
    body::require_json(request.headers())?;
    let limits = service.limits();
    let body = body::read(request.into_body(), limits.body_bytes, limits.body_time).await?;
    service.answer(id, body).await
}
