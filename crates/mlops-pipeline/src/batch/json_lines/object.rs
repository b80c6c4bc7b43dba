//! The objects of JSON lines, as `serde` reads them.

use std::borrow::Cow;
use std::fmt;

use mlops_core::{RecordsBuilder, ViolationCode};
use serde::Deserialize;
use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::batch::columns::Columns;

/// Reads an object to a new row of a builder.
pub(super) struct Object<'r, 'a> {
    pub(super) builder: &'r mut RecordsBuilder<'a>,
    pub(super) columns: &'r Columns,
    /// The field whose name is that of a column that is added, if there is one.
    pub(super) taken: &'r mut Option<String>,
}

impl Object<'_, '_> {
    pub(super) fn read(self, line: &[u8]) -> serde_json::Result<()> {
        self.builder.begin_row().map_err(Error::custom)?;
        if !line.trim_ascii_start().starts_with(b"{") {
            // An array or a number is JSON, and no row.
            serde_json::from_slice::<IgnoredAny>(line)?;
            return self.builder.refuse_row(ViolationCode::Type).map_err(Error::custom);
        }
        let mut json = serde_json::Deserializer::from_slice(line);
        self.deserialize(&mut json)?;
        json.end()
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the fields of a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<(), A::Error> {
        self.builder.json_fields(Watched { fields, columns: self.columns, taken: self.taken })
    }
}

/// Fields whose names are looked at as they go by.
struct Watched<'r, A> {
    fields: A,
    columns: &'r Columns,
    taken: &'r mut Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(Name(name)) = self.fields.next_key()? else { return Ok(None) };
        if self.columns.contains(&name) {
            *self.taken = Some(name.clone().into_owned());
        }
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}

/// A name, borrowed from the line if it has no escapes.
#[derive(Deserialize)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);

/// The names of an object's fields.
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = fields.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
