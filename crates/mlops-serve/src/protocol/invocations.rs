mod elements;
mod envelope;
mod error;
mod split;

use std::sync::Arc;

use mlops_core::{Header, Records, RecordsBuilder, RecordsLimits, Schema};
use serde::Serialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

use self::elements::{Element, Place};
use self::envelope::Envelope;
pub(crate) use self::envelope::Format;
pub(crate) use self::error::Error;
use super::{is_list, is_object};

/// What a request to `/invocations` is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MediaType {
    Json,
    Csv,
}

/// Reads a request of MLflow's scoring protocol.
///
/// Columns that are not in the schema are passed over, as MLflow does; those that are missing are violations.
pub(crate) fn read(
    schema: &Arc<Schema>,
    media_type: MediaType,
    body: &[u8],
    max_rows: usize,
) -> Result<Records, Error> {
    let limits = RecordsLimits::default().max_rows(max_rows);
    let builder = RecordsBuilder::new(schema, limits).ignore_unknown();
    match media_type {
        MediaType::Json => read_json(builder, body),
        MediaType::Csv => Ok(builder.read_csv(body)?),
    }
}

/// The answer of MLflow's scoring protocol: one prediction for each row.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<T> {
    pub(crate) predictions: T,
}

fn read_json(builder: RecordsBuilder<'_>, body: &[u8]) -> Result<Records, Error> {
    let (format, data) = Envelope::read(body)?.into_data()?;
    match format {
        Format::DataframeRecords if !is_list(data) => Err(Error::records_type(data)),
        Format::DataframeRecords => {
            builder.read_json(data.get().as_bytes()).map_err(Error::in_part)
        }
        Format::DataframeSplit => split::read(builder, data),
        Format::Instances | Format::Inputs => read_tensors(builder, format, data),
    }
}

/// Reads a list of rows, or an object of columns.
fn read_tensors(
    mut builder: RecordsBuilder<'_>,
    format: Format,
    data: &RawValue,
) -> Result<Records, Error> {
    let header = Header::of(builder.schema());
    let place = if is_list(data) {
        Place::Rows { header: &header, is_split: false }
    } else if is_object(data) {
        Place::Columns
    } else {
        return Err(Error::tensor_type(format, data));
    };
    let mut json = serde_json::Deserializer::from_str(data.get());
    let outcome = Element { builder: &mut builder, place }.deserialize(&mut json);
    builder.finish_json(outcome.map(|_| ())).map_err(Error::in_part)
}

#[cfg(test)]
mod tests;
