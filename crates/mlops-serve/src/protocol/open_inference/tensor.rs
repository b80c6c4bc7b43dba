use std::cell::Cell;

use mlops_core::RecordsBuilder;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::data::{Data, Fault, Sink};
use super::{Datatype, Error};
use crate::protocol::{is_list, is_object};

/// A tensor of a request, whose data are still to be read.
pub(super) struct InputTensor<'a> {
    input: usize,
    pub(super) name: String,
    datatype: Datatype,
    // Invariant: the product of the sizes fits 64 bits.
    shape: Vec<u64>,
    data: &'a RawValue,
}

impl<'a> InputTensor<'a> {
    /// Reads the tensor at position `input`.
    pub(super) fn read(input: usize, json: &'a RawValue) -> Result<Self, Error> {
        let fields: Option<Fields<'a>> =
            is_object(json).then(|| serde_json::from_str(json.get()).ok()).flatten();
        let fields = fields.ok_or(Error::Input { input })?;
        let wrong = |field, expected| Error::InputField { input, field, expected };
        if fields.parameters.is_some_and(|json| !is_object(json)) {
            return Err(wrong("parameters", "an object"));
        }
        let name = fields.name.and_then(parse).ok_or_else(|| wrong("name", "a string"))?;
        let datatype = fields.datatype.and_then(parse::<String>);
        let datatype = datatype
            .and_then(|name| Datatype::from_name(&name))
            .ok_or_else(|| wrong("datatype", "one of the protocol's"))?;
        let shape: Vec<u64> =
            fields.shape.and_then(parse).ok_or_else(|| wrong("shape", "a list of sizes"))?;
        if shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size)).is_none() {
            return Err(Error::ShapeOverflow { input });
        }
        let data =
            fields.data.filter(|json| is_list(json)).ok_or_else(|| wrong("data", "a list"))?;
        Ok(Self { input, name, datatype, shape, data })
    }

    pub(super) fn rows(&self) -> u64 {
        self.shape.first().copied().unwrap_or(0)
    }

    /// The number of values in a row, if the tensor consists of rows.
    pub(super) fn columns(&self) -> Option<u64> {
        match self.shape.as_slice() {
            [_] => Some(1),
            &[_, columns] => Some(columns),
            _ => None,
        }
    }

    /// Whether each row holds all features.
    pub(super) fn is_matrix_of(&self, features: usize) -> bool {
        self.shape.len() == 2 && self.columns() == Some(features as u64)
    }

    /// Reads the data to `width` columns, from the one at `column` on.
    pub(super) fn read_data(
        &self,
        builder: &mut RecordsBuilder<'_>,
        column: usize,
        width: usize,
    ) -> Result<serde_json::Result<()>, Error> {
        let input = self.input;
        let expected = self.shape.iter().product();
        let is_nested = self.data.get()[1..].trim_start().starts_with('[');
        if is_nested && self.shape.len() != 2 {
            return Err(Error::Nesting { input });
        }
        let fault = Cell::new(None);
        let mut sink = Sink {
            builder,
            datatype: self.datatype,
            column,
            width,
            expected,
            element: 0,
            fault: &fault,
        };
        let mut json = serde_json::Deserializer::from_str(self.data.get());
        let outcome = json.deserialize_any(Data::list(&mut sink, is_nested));
        let (element, is_stopped) = (sink.element, sink.builder.is_stopped());
        match fault.get() {
            Some(Fault::Elements) => Err(Error::Elements { input, expected }),
            Some(Fault::Nesting) => Err(Error::Nesting { input }),
            Some(Fault::Datatype) => Err(Error::Datatype { input, element }),
            None if outcome.is_ok() && !is_stopped && element != expected => {
                Err(Error::Elements { input, expected })
            }
            None => Ok(outcome),
        }
    }
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    datatype: Option<&'a RawValue>,
    #[serde(borrow)]
    shape: Option<&'a RawValue>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn parse<'a, T: Deserialize<'a>>(json: &'a RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}
