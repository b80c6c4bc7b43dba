use std::fmt;

use mlops_core::{Header, RecordsBuilder, Stop, ViolationCode};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A place in the data and what may stand there.
#[derive(Clone, Copy)]
pub(super) enum Place<'h> {
    /// A list of rows.
    Rows { header: &'h Header, is_split: bool },
    /// A list of values in the order of the header; unless the data are split also an object, and the value itself where a
    /// row has one.
    Row { header: &'h Header, is_split: bool },
    /// An object with a list for each column.
    Columns,
    /// A list with one value for each row; the first such list opens the rows.
    Column { column: usize, is_first: bool },
    /// A value, or a list that holds just that.
    Cell { row: usize, column: usize, is_first: bool },
}

/// Reads what stands at a place; what may not stand there is noted and passed over. Returns how many rows a column has.
pub(super) struct Element<'r, 'a, 'h> {
    pub(super) builder: &'r mut RecordsBuilder<'a>,
    pub(super) place: Place<'h>,
}

impl<'a> Element<'_, 'a, '_> {
    /// Gives a value that is no list and no object to where the cursor stands.
    fn scalar<E: Error>(
        self,
        give: impl FnOnce(&mut RecordsBuilder<'a>) -> Result<(), Stop>,
    ) -> Result<Option<usize>, E> {
        let outcome = match self.place {
            Place::Column { column, .. } => self.builder.refuse_column(column, ViolationCode::Type),
            Place::Row { is_split: true, .. } => self.builder.refuse_row(ViolationCode::Length),
            _ => give(self.builder),
        };
        outcome.map(|()| None).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.place {
            Place::Row { is_split, .. } => {
                self.builder.begin_row().map_err(D::Error::custom)?;
                if !is_split && self.builder.schema().len() == 1 {
                    self.builder.select_column(0);
                }
            }
            Place::Cell { row, column, is_first } => {
                if is_first {
                    self.builder.begin_row().map_err(D::Error::custom)?;
                } else if !self.builder.select_row(row) {
                    // That the column is too long is said at its end.
                    return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| None);
                }
                self.builder.select_column(column);
            }
            Place::Rows { .. } | Place::Columns | Place::Column { .. } => {}
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows or columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let builder = self.builder;
        match self.place {
            Place::Rows { header, is_split } => {
                let place = Place::Row { header, is_split };
                while list.next_element_seed(Element { builder, place })?.is_some() {}
                Ok(None)
            }
            Place::Row { header, .. } => read_values(builder, header, list).map(|()| None),
            Place::Column { column, is_first } => {
                let mut row = 0;
                let cell = |row| Place::Cell { row, column, is_first };
                while list.next_element_seed(Element { builder, place: cell(row) })?.is_some() {
                    row += 1;
                }
                Ok(Some(row))
            }
            Place::Cell { .. } => {
                let is_empty = list.next_element_seed(builder.json_value())?.is_none();
                let mut is_single = !is_empty;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    is_single = false;
                }
                if !is_single {
                    builder.refuse(ViolationCode::Type).map_err(A::Error::custom)?;
                }
                Ok(None)
            }
            Place::Columns => {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                builder.refuse(ViolationCode::Type).map(|()| None).map_err(A::Error::custom)
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        match self.place {
            Place::Row { is_split: false, .. } => self.builder.json_fields(fields).map(|()| None),
            Place::Columns => read_columns(self.builder, fields).map(|()| None),
            _ => {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                self.scalar(|builder| builder.refuse(ViolationCode::Type))
            }
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        self.scalar(|builder| builder.number(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.scalar(|builder| builder.text(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        self.scalar(|builder| builder.refuse(ViolationCode::Type))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        self.scalar(RecordsBuilder::missing)
    }
}

/// Reads a row whose values stand in the order of `header`.
fn read_values<'de, A: SeqAccess<'de>>(
    builder: &mut RecordsBuilder<'_>,
    header: &Header,
    mut values: A,
) -> Result<(), A::Error> {
    let mut position = 0;
    loop {
        let value = match header.column(position) {
            Some(column) => {
                builder.select_column(column);
                values.next_element_seed(builder.json_value())?
            }
            None => values.next_element::<IgnoredAny>()?.map(|_| ()),
        };
        if value.is_none() {
            break;
        }
        position += 1;
    }
    if position == header.len() {
        return Ok(());
    }
    builder.refuse_row(ViolationCode::Length).map_err(A::Error::custom)
}

/// Reads an object with a list for each column, in any order.
fn read_columns<'de, A: MapAccess<'de>>(
    builder: &mut RecordsBuilder<'_>,
    mut columns: A,
) -> Result<(), A::Error> {
    let mut header = Header::new();
    let mut n_rows = None;
    while let Some(column) = columns.next_key_seed(Name { builder, header: &mut header })? {
        let Some(column) = column else {
            columns.next_value::<IgnoredAny>()?;
            continue;
        };
        let place = Place::Column { column, is_first: n_rows.is_none() };
        let Some(len) = columns.next_value_seed(Element { builder, place })? else { continue };
        if *n_rows.get_or_insert(len) != len {
            builder.refuse_column(column, ViolationCode::Length).map_err(A::Error::custom)?;
        }
    }
    header.end(builder).map_err(A::Error::custom)
}

/// Reads the name of a column; returns the column of the schema that it stands for.
pub(super) struct Name<'r, 'a> {
    pub(super) builder: &'r mut RecordsBuilder<'a>,
    pub(super) header: &'r mut Header,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        self.header.push(self.builder, name).map_err(E::custom)
    }
}
