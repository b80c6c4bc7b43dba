use std::error::Error as StdError;
use std::iter;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mlops_core::{RecordsError, Violation, ViolationCode};
use mlops_telemetry::RequestId;
use serde::Serialize;

use crate::ReloadError;
use crate::protocol::{invocations, open_inference};

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
    #[error("no model has this name")]
    UnknownModel,
    #[error("the query is not understood")]
    MalformedQuery,
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
    #[error(transparent)]
    Invocation(#[from] invocations::Error),
    #[error(transparent)]
    OpenInference(#[from] open_inference::Error),
    #[error("expected an object of `request_id`, `row` and `label`, or a list of such objects")]
    MalformedFeedback,
    #[error("the service keeps no record of its answers")]
    NoTelemetry,
    #[error("no new version was put in place: {0}")]
    Reload(String),
    #[cfg(feature = "api-keys")]
    #[error("the request shows no key that is known")]
    Unauthorized,
    #[error("the model failed on this request")]
    Internal,
    #[error("too many requests are being worked on")]
    Overloaded,
    #[error("the answer could not be recorded, as it must be")]
    Unaudited,
    #[error("the answer was not ready in time")]
    Deadline,
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl Problem {
    pub(crate) fn into_response(self, request_id: RequestId) -> Response {
        let (status, code, title) = self.kind();
        let errors = self.violations();
        let document = Document {
            r#type: &format!("urn:mlops-serve:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: &self.to_string(),
            request_id,
            errors: errors.iter().map(Entry::from).collect(),
        };
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = match serde_json::to_vec(&document) {
            Ok(body) => (status, [(CONTENT_TYPE, content_type)], body).into_response(),
            Err(_) => status.into_response(),
        };
        self.add_headers(&mut response);
        response
    }

    /// Says when to come back, or with what, where that is known.
    pub(crate) fn add_headers(&self, response: &mut Response) {
        let (name, value) = match self.status() {
            StatusCode::SERVICE_UNAVAILABLE => (RETRY_AFTER, "1"),
            StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Bearer"),
            _ => return,
        };
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }

    /// A failed reload, with its causes: whoever asked for it is an operator.
    pub(crate) fn reload(error: &ReloadError) -> Self {
        let first: &dyn StdError = error;
        let causes = iter::successors(Some(first), |&error| error.source());
        Self::Reload(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.kind().0
    }

    /// The places of the body that do not fit, if that is the problem.
    pub(crate) fn violations(&self) -> &[Violation] {
        match self {
            Self::InvalidRecords(violations)
            | Self::Invocation(invocations::Error::Records(RecordsError::Invalid(violations)))
            | Self::OpenInference(open_inference::Error::Records(RecordsError::Invalid(
                violations,
            ))) => violations,
            _ => &[],
        }
    }

    /// The status, the last part of the type and the title: what all problems of one kind share.
    fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::UnreadableBody => (StatusCode::BAD_REQUEST, "unreadable-body", "Unreadable body"),
            Self::MalformedJson(_) => (StatusCode::BAD_REQUEST, "malformed-json", "Malformed JSON"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::UnknownModel => (StatusCode::NOT_FOUND, "unknown-model", "Unknown model"),
            Self::MalformedQuery => (StatusCode::BAD_REQUEST, "malformed-query", "Malformed query"),
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
            Self::Invocation(invocations::Error::Records(error))
            | Self::OpenInference(open_inference::Error::Records(error))
                if matches!(error, RecordsError::TooManyRows { .. }) =>
            {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-many-rows", "Too many rows")
            }
            Self::Invocation(_) | Self::OpenInference(_) => {
                (StatusCode::BAD_REQUEST, "malformed-request", "Malformed request")
            }
            Self::MalformedFeedback => {
                (StatusCode::UNPROCESSABLE_ENTITY, "malformed-feedback", "Malformed feedback")
            }
            Self::Reload(_) => (StatusCode::CONFLICT, "reload", "No new version"),
            #[cfg(feature = "api-keys")]
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized"),
            Self::NoTelemetry => (StatusCode::NOT_IMPLEMENTED, "no-telemetry", "No telemetry"),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal server error")
            }
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded"),
            Self::Unaudited => (StatusCode::SERVICE_UNAVAILABLE, "unaudited", "Not recorded"),
            Self::Deadline => (StatusCode::GATEWAY_TIMEOUT, "deadline", "Deadline exceeded"),
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
