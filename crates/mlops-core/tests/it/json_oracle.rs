//! What JSON records hold, found the long way; a fuzz target includes this file, too.

use std::fmt;
use std::sync::Arc;

use mlops_core::{Feature, FeatureKind, Records, RecordsError, RecordsLimits, Schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// Whether `body` is read as records.
///
/// # Panics
/// If the reader and `serde_json`, which parses into values of its own, do not agree on that or on a number.
pub(crate) fn is_read(schema: &Arc<Schema>, body: &[u8], limits: RecordsLimits) -> bool {
    let expected = rows(schema, body).filter(|rows| (1..=limits.max_rows).contains(&rows.len()));
    match (Records::from_json(schema, body, limits), expected) {
        (Ok(records), Some(rows)) => {
            // NaN has many bits, and means one thing.
            let bits =
                |value: &f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
            assert!(records.values().iter().map(bits).eq(rows.concat().iter().map(bits)));
            true
        }
        (Err(error), None) => {
            if let RecordsError::Invalid(violations) = error {
                assert!((1..=32).contains(&violations.len()));
            }
            false
        }
        (read, expected) => panic!("read {read:?}, expected {expected:?}"),
    }
}

/// The values of each row in schema order, if the body is an array of objects that have each feature once and nothing
/// else.
fn rows(schema: &Schema, body: &[u8]) -> Option<Vec<Vec<f64>>> {
    let objects: Vec<Fields> = serde_json::from_slice(body).ok()?;
    objects.iter().map(|object| row(schema, object)).collect()
}

fn row(schema: &Schema, Fields(fields): &Fields) -> Option<Vec<f64>> {
    if fields.len() != schema.len() {
        return None;
    }
    let value_of = |feature: &Feature| {
        let (_, field) = fields.iter().find(|(name, _)| name == feature.name())?;
        value(feature, field)
    };
    schema.features().iter().map(value_of).collect()
}

fn value(feature: &Feature, value: &Value) -> Option<f64> {
    match (feature.kind(), value) {
        (_, Value::Null) => Some(f64::NAN),
        (FeatureKind::Categorical { levels }, Value::String(text)) => {
            levels.iter().position(|level| level == text).map(|level| level as f64)
        }
        (FeatureKind::Numeric | FeatureKind::Integer, Value::Number(number)) => {
            // Beyond the largest number of 32 bits and half a step, rounding gives infinity.
            let most = 2.0_f64.powi(128) - 2.0_f64.powi(103);
            let number = number.as_f64().filter(|number| number.abs() < most)?;
            let is_whole = number.trunc().total_cmp(&number).is_eq();
            (is_whole || *feature.kind() == FeatureKind::Numeric).then_some(number)
        }
        _ => None,
    }
}

/// The fields of an object, in which a name may stand twice.
#[derive(Debug)]
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Fields, A::Error> {
        let mut all = Vec::new();
        while let Some(field) = fields.next_entry()? {
            all.push(field);
        }
        Ok(Fields(all))
    }
}
