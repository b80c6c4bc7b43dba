//! `GET /`, its files and `GET /docs.json`: what there is, for people and for programs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use utoipa_swagger_ui::{Config, serve};

use crate::Service;
use crate::problem::Problem;
use crate::request::{Context, json};

/// The files of Swagger UI that the page refers to, and their media types.
pub(crate) const FILES: [(&str, &str); 3] = [
    ("favicon-32x32.png", "image/png"),
    ("swagger-ui-bundle.js", "text/javascript"),
    ("swagger-ui.css", "text/css"),
];

/// `GET /`: Swagger UI. Its addresses are relative, so that it works behind a proxy that adds a prefix.
pub(crate) async fn page() -> Html<&'static str> {
    Html(include_str!("docs/index.html"))
}

/// `GET /docs/{file}`: a file that the page refers to, compressed, since every browser takes that.
pub(crate) async fn file(
    Extension(context): Extension<Context>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let file = FILES.into_iter().find(|(known, _)| *known == name);
    let Some((name, media_type)) = file else {
        return Problem::NotFound.into_response(context.id);
    };
    // The configuration is for the file of Swagger UI that the page stands in for.
    match serve(name, Arc::new(Config::default())) {
        Ok(Some(file)) => {
            let mut response = ([(CONTENT_TYPE, media_type)], file.bytes).into_response();
            if file.gzpipped {
                let gzip = HeaderValue::from_static("gzip");
                response.headers_mut().insert(CONTENT_ENCODING, gzip);
            }
            response
        }
        Ok(None) | Err(_) => Problem::NotFound.into_response(context.id),
    }
}

/// `GET /docs.json`: the document in the form of OpenAPI.
pub(crate) async fn document(State(service): State<Service>) -> Response {
    json(service.document())
}
