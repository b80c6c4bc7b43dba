use std::cell::Cell;
use std::fmt;

use mlops_core::{RecordsBuilder, Stop};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Datatype;

/// Where the elements of a tensor go, in row-major order.
pub(super) struct Sink<'r, 'a> {
    pub(super) builder: &'r mut RecordsBuilder<'a>,
    pub(super) datatype: Datatype,
    /// The column of the first element of a row.
    pub(super) column: usize,
    /// The number of elements in a row.
    pub(super) width: usize,
    /// The number of elements that the shape says.
    pub(super) expected: u64,
    /// The number of elements so far.
    pub(super) element: u64,
    pub(super) fault: &'r Cell<Option<Fault>>,
}

/// Why the data are not those that datatype and shape say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Elements,
    Nesting,
    Datatype,
}

impl<'a> Sink<'_, 'a> {
    /// Moves the cursor to the next element.
    fn select<E: Error>(&mut self) -> Result<(), E> {
        if self.element == self.expected {
            return self.fail(Fault::Elements);
        }
        let element = usize::try_from(self.element).map_err(E::custom)?;
        let (row, column) = (element / self.width, element % self.width);
        if column == 0 && !self.builder.select_row(row) {
            self.builder.begin_row().map_err(E::custom)?;
        }
        self.builder.select_column(self.column + column);
        Ok(())
    }

    fn give<E: Error>(
        &mut self,
        is_of_datatype: bool,
        give: impl FnOnce(&mut RecordsBuilder<'a>) -> Result<(), Stop>,
    ) -> Result<(), E> {
        if !is_of_datatype {
            return self.fail(Fault::Datatype);
        }
        give(self.builder).map_err(E::custom)?;
        self.element += 1;
        Ok(())
    }

    fn fail<E: Error>(&self, fault: Fault) -> Result<(), E> {
        self.fault.set(Some(fault));
        Err(E::custom("not the data of the tensor"))
    }
}

#[derive(Clone, Copy)]
enum Level {
    /// A list of rows.
    Rows,
    /// A list of as many elements as a row has.
    Row,
    /// A list of all elements.
    Flat,
    Element,
}

/// Reads the data of a tensor to a sink.
pub(super) struct Data<'s, 'r, 'a> {
    sink: &'s mut Sink<'r, 'a>,
    level: Level,
}

impl<'s, 'r, 'a> Data<'s, 'r, 'a> {
    /// All of the data: a list of elements, or of rows where it is nested.
    pub(super) fn list(sink: &'s mut Sink<'r, 'a>, is_nested: bool) -> Self {
        Self { sink, level: if is_nested { Level::Rows } else { Level::Flat } }
    }

    fn give<E: Error>(
        self,
        is_of_datatype: impl FnOnce(Datatype) -> bool,
        give: impl FnOnce(&mut RecordsBuilder<'a>) -> Result<(), Stop>,
    ) -> Result<(), E> {
        match self.level {
            Level::Element => self.sink.give(is_of_datatype(self.sink.datatype), give),
            Level::Rows | Level::Row | Level::Flat => self.sink.fail(Fault::Nesting),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Data<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if matches!(self.level, Level::Element) {
            self.sink.select()?;
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Data<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data of a tensor")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { sink, level } = self;
        let level = match level {
            Level::Rows => Level::Row,
            Level::Row | Level::Flat => Level::Element,
            Level::Element => return sink.fail(Fault::Nesting),
        };
        let mut n_elements = 0;
        while list.next_element_seed(Data { sink, level })?.is_some() {
            n_elements += 1;
        }
        let is_row = matches!(self.level, Level::Row);
        if is_row && n_elements != sink.width { sink.fail(Fault::Nesting) } else { Ok(()) }
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.give(|_| false, |_| Ok(()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.give(|datatype| datatype.holds_real(value), |builder| builder.number(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        let is_of_datatype = |datatype: Datatype| datatype.holds_integer(value.into());
        self.give(is_of_datatype, |builder| builder.number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        let is_of_datatype = |datatype: Datatype| datatype.holds_integer(value.into());
        self.give(is_of_datatype, |builder| builder.number(value as f64))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        let is_of_datatype = |datatype| datatype == Datatype::Bool;
        self.give(is_of_datatype, |builder| builder.number(u8::from(value).into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let is_of_datatype = |datatype| datatype == Datatype::Bytes;
        self.give(is_of_datatype, |builder| builder.text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.give(Datatype::has_null, RecordsBuilder::missing)
    }
}
