use mlops_core::RecordsError;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::protocol::sentence;

/// Why a request was refused. Inputs are called by their position; no text repeats a value of the request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Error {
    #[error("malformed JSON at line {line}, column {column}")]
    MalformedJson { line: usize, column: usize },
    #[error("malformed JSON: half of a surrogate pair in the data of input {input}")]
    BrokenText { input: usize },
    #[error("expected the request to be an object")]
    NotAnObject,
    #[error("a field of the request stands twice")]
    DuplicateField,
    #[error("expected `{field}` to be {expected}")]
    Field { field: &'static str, expected: &'static str },
    #[error("expected input {input} to be an object whose fields stand once")]
    Input { input: usize },
    #[error("expected `{field}` of input {input} to be {expected}")]
    InputField { input: usize, field: &'static str, expected: &'static str },
    #[error("more than {limit} inputs")]
    TooManyInputs { limit: usize },
    #[error("the elements of input {input} are too many to be counted")]
    ShapeOverflow { input: usize },
    #[error(
        "expected one tensor of shape [n, {features}], or for each feature one of shape [n] or [n, 1]; input {input} is neither"
    )]
    Shape { input: usize, features: usize },
    #[error("input {input} has another number of rows than input 0")]
    Rows { input: usize },
    #[error("expected the data of input {input} to be {expected} values, as its shape says")]
    Elements { input: usize, expected: u64 },
    #[error("expected the data of input {input} to be flat or nested as its shape says")]
    Nesting { input: usize },
    #[error("element {element} of input {input} is not of the input's datatype")]
    Datatype { input: usize, element: u64 },
    #[error("output {output} is not one of the model's, or stands twice")]
    UnknownOutput { output: usize },
    #[error("{}", records_message(.0))]
    Records(#[from] RecordsError),
}

/// The body of the response.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Error", 1)?;
        object.serialize_field("error", &self.to_string())?;
        object.end()
    }
}

fn records_message(error: &RecordsError) -> String {
    match error {
        RecordsError::Invalid(violations) => sentence(violations),
        error => error.to_string(),
    }
}
