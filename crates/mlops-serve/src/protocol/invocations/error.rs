use mlops_core::RecordsError;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::value::RawValue;

use super::Format;
use crate::protocol::sentence;

/// Why a request was refused, in MLflow's words where it has some. No text repeats a value of the request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "Invalid input. Ensure that input is a valid JSON formatted string. Error: 'line {line}, column {column}'"
    )]
    MalformedJson { line: usize, column: usize },
    #[error(
        "Invalid input. Ensure that input is a valid JSON formatted string. Error: 'half of a surrogate pair'"
    )]
    BrokenText,
    #[error("Invalid input. {REQUIRED_FORMAT}. Received a list.")]
    List,
    // MLflow leaves the quote open, too.
    #[error("Invalid input. {REQUIRED_FORMAT}. Received unexpected input type '<class '{got}'>.")]
    EnvelopeType { got: &'static str },
    #[error("{REQUIRED_FORMAT}. Received dictionary with input fields: {}. {PROTOCOL_CHANGE}", keys(.0))]
    Formats(Vec<Format>),
    #[error("Invalid input. Expected `params` to be a dictionary.")]
    Params,
    #[error("Invalid input. Dataframe records format must be a list of records. Got {got}.")]
    RecordsType { got: String },
    #[error("Invalid input. Dataframe split format must be a dictionary. Got {got}.")]
    SplitType { got: String },
    #[error(
        "Invalid input. Dataframe split format must have 'data' and 'columns' fields, both lists, and optionally an 'index' field, and no others."
    )]
    SplitFields,
    #[error("Invalid input. The 'columns' of the dataframe split format must be names.")]
    SplitNames,
    #[error("Invalid input. Expected `{}` to be a list of rows or a dictionary of columns. Got type <class '{got}'>.", .format.key())]
    TensorType { format: Format, got: &'static str },
    #[error("{}", records_message(.0))]
    Records(#[from] RecordsError),
}

/// What MLflow asks for. It writes the fields in any order.
const REQUIRED_FORMAT: &str = "The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}";
const PROTOCOL_CHANGE: &str = "IMPORTANT: The MLflow Model scoring protocol has changed in MLflow version 2.0. If you are seeing this error, you are likely using an outdated scoring request format. To resolve the error, either update your request format or adjust your MLflow Model's requirements file to specify an older version of MLflow (for example, change the 'mlflow' requirement specifier to 'mlflow==1.30.0'). If you are making a request using the MLflow client (e.g. via `mlflow.pyfunc.spark_udf()`), upgrade your MLflow client to a version >= 2.0 in order to use the new request format. For more information about the updated MLflow Model scoring protocol in MLflow 2.0, see https://mlflow.org/docs/latest/models.html#deploy-mlflow-models.";

impl Error {
    /// An error of a part of the body, which the envelope has found to be well formed but for the characters of texts.
    pub(super) fn in_part(error: RecordsError) -> Self {
        match error {
            RecordsError::MalformedJson { .. } => Self::BrokenText,
            error => Self::Records(error),
        }
    }

    pub(super) fn envelope_type(json: &RawValue) -> Self {
        match python_type(json) {
            "list" => Self::List,
            got => Self::EnvelopeType { got },
        }
    }

    pub(super) fn records_type(json: &RawValue) -> Self {
        Self::RecordsType { got: type_message(json) }
    }

    pub(super) fn split_type(json: &RawValue) -> Self {
        Self::SplitType { got: type_message(json) }
    }

    pub(super) fn tensor_type(format: Format, json: &RawValue) -> Self {
        Self::TensorType { format, got: python_type(json) }
    }
}

/// The body of the response.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("MlflowException", 2)?;
        object.serialize_field("error_code", "BAD_REQUEST")?;
        object.serialize_field("message", &self.to_string())?;
        object.end()
    }
}

fn records_message(error: &RecordsError) -> String {
    match error {
        RecordsError::Invalid(violations) => format!(
            "Invalid input. Data is not compatible with model signature. Error: '{}'",
            sentence(violations)
        ),
        RecordsError::MalformedCsv { .. } => format!(
            "Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted Pandas DataFrame produced using the `pandas.DataFrame.to_csv()` method. Error: '{error}'"
        ),
        error => format!("Invalid input. Error: '{error}'"),
    }
}

/// The keys as Python prints a list.
fn keys(formats: &[Format]) -> String {
    let keys: Vec<_> = formats.iter().map(|format| format!("'{}'", format.key())).collect();
    format!("[{}]", keys.join(", "))
}

fn type_message(json: &RawValue) -> String {
    match python_type(json) {
        "dict" => "dictionary".to_owned(),
        "list" => "list".to_owned(),
        name => format!("type <class '{name}'>"),
    }
}

/// The name of the type that Python reads a JSON value as.
fn python_type(json: &RawValue) -> &'static str {
    match json.get().as_bytes().first() {
        Some(b'{') => "dict",
        Some(b'[') => "list",
        Some(b'"') => "str",
        Some(b't' | b'f') => "bool",
        Some(b'n') => "NoneType",
        _ if json.get().contains(['.', 'e', 'E']) => "float",
        _ => "int",
    }
}
