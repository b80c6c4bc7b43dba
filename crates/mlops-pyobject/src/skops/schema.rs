use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Reader, SCHEMA};
use crate::Error;
use crate::builder::Builder;
use crate::graph::{Id, Node};

/// Reads the tree of nodes straight into objects.
pub(super) fn read(schema: &[u8], reader: &mut Reader<'_>) -> Result<Id, Error> {
    // A text with escapes is put together in memory that grows, and copied.
    let room = longest_text(schema).saturating_mul(3);
    reader.builder.budget.charge(room)?;
    let mut failure = None;
    let mut json = serde_json::Deserializer::from_slice(schema);
    let value = Value { reader, failure: &mut failure };
    let root = value.deserialize(&mut json).and_then(|root| json.end().map(|()| root));
    reader.builder.budget.release(room);
    root.map_err(|_| {
        let problem = "is not JSON as skops writes it";
        failure.unwrap_or_else(|| Error::Entry { entry: SCHEMA.to_owned(), problem })
    })
}

/// The length of the longest text in JSON, in bytes.
fn longest_text(json: &[u8]) -> usize {
    let (mut longest, mut start, mut is_escaped) = (0, None, false);
    for (position, byte) in json.iter().enumerate() {
        match (start, byte) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(begin), b'"') => {
                longest = longest.max(position - begin);
                start = None;
            }
            (None, b'"') => start = Some(position),
            _ => {}
        }
    }
    longest.max(start.map_or(0, |begin| json.len() - begin))
}

/// The fields of a node that say what it is.
#[derive(Debug, Default)]
pub(super) struct Head<'de> {
    pub(super) class: Option<Cow<'de, str>>,
    pub(super) module: Option<Cow<'de, str>>,
    pub(super) loader: Option<Cow<'de, str>>,
    pub(super) id: Option<u64>,
}

/// Any value of the schema, to be read into an object.
struct Value<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// What an error of serde cannot hold.
    failure: &'r mut Option<Error>,
}

impl<'a> Value<'_, 'a> {
    fn again(&mut self) -> Value<'_, 'a> {
        Value { reader: self.reader, failure: self.failure }
    }

    fn or_failure<T, E: serde::de::Error>(&mut self, outcome: Result<T, Error>) -> Result<T, E> {
        outcome.map_err(|error| {
            *self.failure = Some(error);
            E::custom("refused")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = Id;

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<Id, D::Error> {
        let counted = self.reader.builder.count();
        self.or_failure(counted)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Id, E> {
        Ok(Builder::none())
    }

    fn visit_bool<E: serde::de::Error>(self, boolean: bool) -> Result<Id, E> {
        Ok(Builder::boolean(boolean))
    }

    fn visit_i64<E: serde::de::Error>(mut self, integer: i64) -> Result<Id, E> {
        let id = self.reader.builder.integer(integer);
        self.or_failure(id)
    }

    fn visit_u64<E: serde::de::Error>(mut self, integer: u64) -> Result<Id, E> {
        let builder = &mut self.reader.builder;
        let id = match i64::try_from(integer) {
            Ok(integer) => builder.integer(integer),
            Err(_) => builder.add(Node::BigInteger),
        };
        self.or_failure(id)
    }

    fn visit_f64<E: serde::de::Error>(mut self, float: f64) -> Result<Id, E> {
        let id = self.reader.builder.float(float);
        self.or_failure(id)
    }

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<Id, E> {
        let id = self.reader.builder.text(text);
        self.or_failure(id)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Id, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(self.again())? {
            let pushed = self.reader.builder.budget.push(&mut items, item);
            self.or_failure(pushed)?;
        }
        let id = self.reader.builder.add(Node::List(items));
        self.or_failure(id)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Id, A::Error> {
        let mut head = Head::default();
        let mut fields: Vec<(Cow<'de, str>, Id)> = Vec::new();
        while let Some(key) = map.next_key_seed(Text)? {
            match &*key {
                "__class__" => head.class = map.next_value_seed(Optional)?,
                "__module__" => head.module = map.next_value_seed(Optional)?,
                "__loader__" => head.loader = map.next_value_seed(Optional)?,
                "__id__" => head.id = map.next_value()?,
                _ => {
                    let value = map.next_value_seed(self.again())?;
                    if let Cow::Owned(key) = &key {
                        let charged = self.reader.builder.budget.charge(key.capacity());
                        self.or_failure(charged)?;
                    }
                    let pushed = self.reader.builder.budget.push(&mut fields, (key, value));
                    self.or_failure(pushed)?;
                }
            }
        }
        let id = self.reader.object(&head, &fields);
        self.reader.builder.budget.release_vec(&fields);
        self.or_failure(id)
    }
}

/// A text, borrowed where it stands in the schema as it is.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A text or null.
struct Optional;

impl<'de> DeserializeSeed<'de> for Optional {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Optional {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or null")
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        Text.deserialize(json).map(Some)
    }
}
