use axum::Extension;
use axum::response::Response;

use crate::problem::Problem;
use crate::request::Context;

/// Answers a path that there is not.
pub(crate) async fn not_found(Extension(context): Extension<Context>) -> Response {
    Problem::NotFound.into_response(context.id)
}

/// Answers a method that a path does not take; the router adds the `Allow` header.
pub(crate) async fn method_not_allowed(Extension(context): Extension<Context>) -> Response {
    Problem::MethodNotAllowed.into_response(context.id)
}
