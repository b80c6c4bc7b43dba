use axum::Extension;
use axum::response::Response;

use crate::problem::Problem;
use crate::request_id::RequestId;

/// Answers a path that there is not.
pub(crate) async fn not_found(Extension(id): Extension<RequestId>) -> Response {
    Problem::NotFound.into_response(id)
}

/// Answers a method that a path does not take; the router adds the `Allow` header.
pub(crate) async fn method_not_allowed(Extension(id): Extension<RequestId>) -> Response {
    Problem::MethodNotAllowed.into_response(id)
}
