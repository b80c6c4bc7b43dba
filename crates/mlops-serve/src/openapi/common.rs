//! What does not depend on models: errors as each protocol writes them, labels, and the server itself.

use mlops_core::ViolationCode;
use utoipa::openapi::schema::Type;

use super::rows::datatypes;
use super::words::{Schema, closed, component, list, natural, of, one_of_texts, or_null, text};
use crate::protocol::open_inference::Datatype;

pub(super) fn components() -> Vec<(String, Schema)> {
    let violation = closed(
        [
            ("row", or_null(Type::Integer).into()),
            ("field", or_null(Type::String).into()),
            ("code", one_of_texts(ViolationCode::ALL.map(ViolationCode::as_str)).into()),
            ("message", Schema::from(of(Type::String))),
        ],
        [],
    );
    let problem = closed(
        [
            ("type", of(Type::String).into()),
            ("title", of(Type::String).into()),
            ("status", of(Type::Integer).into()),
            ("detail", of(Type::String).into()),
            ("request_id", component("RequestId")),
            ("errors", list(violation).max_items(Some(32)).into()),
        ],
        [],
    );
    let codes = one_of_texts(["BAD_REQUEST", "INTERNAL_ERROR"]);
    let mlflow = closed([("error_code", codes.into()), ("message", of(Type::String).into())], []);
    let open_inference = closed([("error", of(Type::String).into())], []);
    let label = closed(
        [
            ("request_id", component("RequestId")),
            ("row", natural().into()),
            ("label", of(Type::Number).into()),
        ],
        [],
    );
    let server = closed(
        [
            ("name", of(Type::String).into()),
            ("version", of(Type::String).into()),
            ("extensions", list(of(Type::String)).into()),
        ],
        [],
    );
    let unavailable = closed([("status", text("unavailable"))], [])
        .description(Some("the detector failed, or was not ready in time"));
    let request_id = of(Type::String).pattern(Some("^[0-9a-f]{32}$"));
    let schemas = [
        ("Problem", problem),
        ("MlflowError", mlflow),
        ("OpenInferenceError", open_inference),
        ("RequestId", request_id),
        ("Unavailable", unavailable),
        ("Label", label),
        ("Server", server),
        ("Datatype", datatypes(&Datatype::ALL)),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema.into())).collect()
}
