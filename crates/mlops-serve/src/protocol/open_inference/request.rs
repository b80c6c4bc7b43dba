use std::fmt;
use std::sync::Arc;

use mlops_core::{Header, Records, RecordsBuilder, RecordsError, RecordsLimits, Schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Error;
use super::tensor::InputTensor;
use crate::protocol::{is_list, is_object};

/// What an inference request asks for.
#[derive(Debug)]
pub(crate) struct InferRequest {
    /// To be repeated in the response.
    pub(crate) id: Option<String>,
    pub(crate) records: Records,
    /// Positions among the outputs of the model, in the order asked for.
    pub(crate) outputs: Vec<usize>,
}

/// Reads an inference request of the Open Inference Protocol, version 2.
///
/// The rows stand in one tensor of shape `[n, features]`, whatever its name, or in one tensor of shape `[n]` or `[n, 1]`
/// for each feature, of the feature's name. `outputs` are the names of what the model gives: all of it where a
/// request does not select.
pub(crate) fn read(
    schema: &Arc<Schema>,
    outputs: &[&str],
    body: &[u8],
    max_rows: usize,
) -> Result<InferRequest, Error> {
    let envelope = Envelope::read(body)?;
    let id = envelope.id.map(read_id).transpose()?;
    if envelope.parameters.is_some_and(|json| !is_object(json)) {
        return Err(Error::Field { field: "parameters", expected: "an object" });
    }
    let selected = match envelope.outputs {
        Some(json) => select(json, outputs)?,
        None => Vec::new(),
    };
    let outputs = if selected.is_empty() { (0..outputs.len()).collect() } else { selected };
    let inputs = envelope.inputs.filter(|json| is_list(json));
    let Some(inputs) = inputs else {
        return Err(Error::Field { field: "inputs", expected: "a list of tensors" });
    };
    // More inputs than features are refused in any case; some more are read to say which.
    let limit = schema.len() + 32;
    let parts = Parts::read(inputs, limit).ok_or(Error::TooManyInputs { limit })?;
    let tensors =
        parts.0.into_iter().enumerate().map(|(input, json)| InputTensor::read(input, json));
    let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
    let records = read_tensors(schema, &tensors, max_rows)?;
    Ok(InferRequest { id, records, outputs })
}

fn read_tensors(
    schema: &Arc<Schema>,
    tensors: &[InputTensor<'_>],
    max_rows: usize,
) -> Result<Records, Error> {
    let mut builder = RecordsBuilder::new(schema, RecordsLimits::default().max_rows(max_rows));
    let features = schema.len();
    for (input, tensor) in tensors.iter().enumerate() {
        let is_matrix = tensors.len() == 1 && tensor.columns() == Some(features as u64);
        if !is_matrix && tensor.columns() != Some(1) {
            return Err(Error::Shape { input, features });
        }
        if tensor.rows() != tensors[0].rows() {
            return Err(Error::Rows { input });
        }
        if tensor.rows() > max_rows as u64 {
            return Err(RecordsError::TooManyRows { limit: max_rows }.into());
        }
    }
    if let [matrix] = tensors
        && matrix.is_matrix_of(features)
    {
        let outcome = matrix.read_data(&mut builder, 0, features)?;
        return finish(builder, 0, outcome);
    }
    let mut header = Header::new();
    for tensor in tensors {
        if header.push(&mut builder, &tensor.name).is_err() {
            break;
        }
    }
    if !builder.is_stopped() {
        // Whether this stops the reading is asked below.
        let _ = header.end(&mut builder);
    }
    for (input, tensor) in tensors.iter().enumerate() {
        let Some(column) = header.column(input).filter(|_| !builder.is_stopped()) else { continue };
        let outcome = tensor.read_data(&mut builder, column, 1)?;
        if outcome.is_err() {
            return finish(builder, input, outcome);
        }
    }
    Ok(builder.finish()?)
}

fn finish(
    builder: RecordsBuilder<'_>,
    input: usize,
    outcome: serde_json::Result<()>,
) -> Result<Records, Error> {
    builder.finish_json(outcome).map_err(|error| match error {
        RecordsError::MalformedJson { .. } => Error::BrokenText { input },
        error => Error::Records(error),
    })
}

/// The outermost object of a request. Fields that the protocol does not know are passed over.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow)]
    outputs: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Error> {
        let failed = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            // Every field is taken as it stands, so that all that JSON allows is wrong only if it stands twice.
            if error.is_data() {
                Error::DuplicateField
            } else {
                Error::MalformedJson { line, column }
            }
        };
        if body.trim_ascii_start().starts_with(b"{") {
            return serde_json::from_slice(body).map_err(failed);
        }
        let json: serde_json::Result<&RawValue> = serde_json::from_slice(body);
        Err(json.map_or_else(failed, |_| Error::NotAnObject))
    }
}

fn read_id(json: &RawValue) -> Result<String, Error> {
    serde_json::from_str(json.get()).map_err(|_| Error::Field { field: "id", expected: "a string" })
}

/// The positions of the outputs that a request selects.
fn select(json: &RawValue, outputs: &[&str]) -> Result<Vec<usize>, Error> {
    let wrong = Error::Field { field: "outputs", expected: "a list of objects with a `name`" };
    if !is_list(json) {
        return Err(wrong);
    }
    let limit = outputs.len();
    let parts = Parts::read(json, limit).ok_or(Error::UnknownOutput { output: limit })?;
    let mut selected = Vec::with_capacity(parts.0.len());
    for (output, json) in parts.0.into_iter().enumerate() {
        let Some(named) =
            is_object(json).then(|| serde_json::from_str::<Named>(json.get()).ok()).flatten()
        else {
            return Err(wrong);
        };
        match outputs.iter().position(|&name| name == named.name) {
            Some(position) if !selected.contains(&position) => selected.push(position),
            _ => return Err(Error::UnknownOutput { output }),
        }
    }
    Ok(selected)
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The elements of a list.
struct Parts<'a>(Vec<&'a RawValue>);

impl<'a> Parts<'a> {
    /// `None` if there are more than `limit`.
    fn read(list: &'a RawValue, limit: usize) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(list.get());
        json.deserialize_seq(PartsVisitor { limit }).ok()
    }
}

struct PartsVisitor {
    limit: usize,
}

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} elements", self.limit)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element()? {
            if parts.len() == self.limit {
                return Err(de::Error::invalid_length(self.limit + 1, &self));
            }
            parts.push(part);
        }
        Ok(Parts(parts))
    }
}
