use std::fmt;

use mlops_core::{Header, Records, RecordsBuilder};
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Error;
use super::elements::{Element, Name, Place};
use crate::protocol::{is_list, is_object};

/// Reads a data frame as pandas writes it with the orientation `split`; its index is passed over.
pub(super) fn read(mut builder: RecordsBuilder<'_>, data: &RawValue) -> Result<Records, Error> {
    if !is_object(data) {
        return Err(Error::split_type(data));
    }
    let frame: Split<'_> = serde_json::from_str(data.get()).map_err(|_| Error::SplitFields)?;
    let lists =
        (frame.columns.filter(|json| is_list(json)), frame.data.filter(|json| is_list(json)));
    let (Some(columns), Some(rows)) = lists else { return Err(Error::SplitFields) };

    let mut header = Header::new();
    let mut json = serde_json::Deserializer::from_str(columns.get());
    let names = Names { builder: &mut builder, header: &mut header };
    if (&mut json).deserialize_seq(names).is_err() && !builder.is_stopped() {
        return Err(Error::SplitNames);
    }
    let mut json = serde_json::Deserializer::from_str(rows.get());
    let place = Place::Rows { header: &header, is_split: true };
    let outcome = Element { builder: &mut builder, place }.deserialize(&mut json);
    builder.finish_json(outcome.map(|_| ())).map_err(Error::in_part)
}

/// The fields may stand in any order, so that the names are known only when all have been found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Split<'a> {
    #[serde(borrow)]
    columns: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(rename = "index")]
    _index: Option<IgnoredAny>,
}

/// Reads the names of the columns.
struct Names<'r, 'a> {
    builder: &'r mut RecordsBuilder<'a>,
    header: &'r mut Header,
}

impl<'de> Visitor<'de> for Names<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<(), A::Error> {
        let Self { builder, header } = self;
        while names.next_element_seed(Name { builder, header })?.is_some() {}
        header.end(builder).map_err(de::Error::custom)
    }
}
