use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mlops_core::{RecordsError, Violation, ViolationCode};
use serde::Serialize;

use crate::request_id::RequestId;

/// Why a request was not answered; RFC 9457 calls the body that says so a problem.
///
/// Neither the text nor the violations repeat a value of the request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the body could not be read to its end")]
    UnreadableBody,
    #[error("the body is not JSON: {0}")]
    MalformedJson(RecordsError),
    #[error("there is nothing at this path")]
    NotFound,
    #[error("the path does not take this method; the `Allow` header names those that it takes")]
    MethodNotAllowed,
    #[error("the body did not arrive in time")]
    Timeout,
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the body holds more than {limit} rows")]
    TooManyRows { limit: usize },
    #[error("expected the content type `application/json`")]
    UnsupportedMediaType,
    #[error("the body is compressed, expected no content encoding")]
    UnsupportedEncoding,
    #[error("the records do not fit the schema of the model")]
    InvalidRecords(Vec<Violation>),
    #[error("the model failed on this request")]
    Internal,
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl Problem {
    pub(crate) fn into_response(self, request_id: RequestId) -> Response {
        let (status, code, title) = self.kind();
        let errors = match &self {
            Self::InvalidRecords(violations) => violations.as_slice(),
            _ => &[],
        };
        let document = Document {
            r#type: &format!("urn:mlops-serve:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: &self.to_string(),
            request_id,
            errors: errors.iter().map(Entry::from).collect(),
        };
        let content_type = HeaderValue::from_static("application/problem+json");
        match serde_json::to_vec(&document) {
            Ok(body) => (status, [(CONTENT_TYPE, content_type)], body).into_response(),
            Err(_) => status.into_response(),
        }
    }

    /// The status, the last part of the type and the title: what all problems of one kind share.
    fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::UnreadableBody => (StatusCode::BAD_REQUEST, "unreadable-body", "Unreadable body"),
            Self::MalformedJson(_) => (StatusCode::BAD_REQUEST, "malformed-json", "Malformed JSON"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout", "Request timeout"),
            Self::BodyTooLarge { .. } => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large")
            }
            Self::TooManyRows { .. } => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-many-rows", "Too many rows")
            }
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
            ),
            Self::InvalidRecords(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-records", "Invalid records")
            }
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal server error")
            }
            Self::ShuttingDown => {
                (StatusCode::SERVICE_UNAVAILABLE, "shutting-down", "Shutting down")
            }
        }
    }
}

impl From<RecordsError> for Problem {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::TooManyRows { limit } => Self::TooManyRows { limit },
            RecordsError::Invalid(violations) => Self::InvalidRecords(violations),
            error => Self::MalformedJson(error),
        }
    }
}

/// The body of a problem.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: RequestId,
    errors: Vec<Entry<'a>>,
}

/// One place of the body that does not fit the schema.
#[derive(Serialize)]
struct Entry<'a> {
    row: Option<usize>,
    field: Option<&'a str>,
    code: ViolationCode,
    message: &'static str,
}

impl<'a> From<&'a Violation> for Entry<'a> {
    fn from(violation: &'a Violation) -> Self {
        Self {
            row: violation.row,
            field: violation.field.as_deref(),
            code: violation.code,
            message: violation.message(),
        }
    }
}
