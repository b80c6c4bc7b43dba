use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Error;
use crate::protocol::is_object;

/// How the rows of a request are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    DataframeSplit,
    DataframeRecords,
    Instances,
    Inputs,
}

impl Format {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::DataframeSplit => "dataframe_split",
            Self::DataframeRecords => "dataframe_records",
            Self::Instances => "instances",
            Self::Inputs => "inputs",
        }
    }
}

/// More keys than this are not remembered: two are one too many.
const MAX_FORMATS: usize = 4;

/// The outermost object of a request. Keys that MLflow does not know are passed over.
pub(super) struct Envelope<'a> {
    formats: Vec<Format>,
    data: Option<&'a RawValue>,
    has_valid_params: bool,
}

impl<'a> Envelope<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Error> {
        let malformed = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            Error::MalformedJson { line, column }
        };
        if body.trim_ascii_start().starts_with(b"{") {
            return serde_json::from_slice(body).map_err(malformed);
        }
        let json: &RawValue = serde_json::from_slice(body).map_err(malformed)?;
        Err(Error::envelope_type(json))
    }

    /// The only format, and what is written in it.
    pub(super) fn into_data(self) -> Result<(Format, &'a RawValue), Error> {
        let Self { formats, data, has_valid_params } = self;
        let ([format], Some(data)) = (formats.as_slice(), data) else {
            return Err(Error::Formats(formats));
        };
        if has_valid_params { Ok((*format, data)) } else { Err(Error::Params) }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    DataframeSplit,
    DataframeRecords,
    Instances,
    Inputs,
    Params,
    #[serde(other)]
    Other,
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope { formats: Vec::new(), data: None, has_valid_params: true };
        while let Some(key) = fields.next_key()? {
            let format = match key {
                Key::DataframeSplit => Format::DataframeSplit,
                Key::DataframeRecords => Format::DataframeRecords,
                Key::Instances => Format::Instances,
                Key::Inputs => Format::Inputs,
                Key::Params => {
                    envelope.has_valid_params &= is_object(fields.next_value()?);
                    continue;
                }
                Key::Other => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            envelope.data = Some(fields.next_value()?);
            if envelope.formats.len() < MAX_FORMATS {
                envelope.formats.push(format);
            }
        }
        Ok(envelope)
    }
}
