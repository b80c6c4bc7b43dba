//! How MLflow writes numbers, tags and parameters in JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A tag or a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

impl From<(String, String)> for Pair {
    fn from((key, value): (String, String)) -> Self {
        Self { key, value }
    }
}

pub(crate) fn pairs(map: BTreeMap<String, String>) -> Vec<Pair> {
    map.into_iter().map(Pair::from).collect()
}

pub(crate) fn map(pairs: Vec<Pair>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|Pair { key, value }| (key, value)).collect()
}

/// A text that is missing where it is empty.
pub(crate) fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// An `int64`: MLflow writes it as a number, Databricks as a text.
pub(crate) mod integer {
    use super::{Deserializer, Integer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<i64, D::Error> {
        input.deserialize_any(Integer)
    }

    /// One that may be missing.
    pub(crate) mod option {
        use crate::client::wire::{Deserializer, Integer, Optional};

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            input: D,
        ) -> Result<Option<i64>, D::Error> {
            input.deserialize_option(Optional(Integer))
        }
    }
}

/// A `double`: not-a-number and the infinities are texts, and a bare `NaN` would be stored as 0.
pub(crate) mod double {
    use super::{Deserializer, Double, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
        input.deserialize_any(Double)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
    pub(crate) fn serialize<S: Serializer>(value: &f64, output: S) -> Result<S::Ok, S::Error> {
        match *value {
            value if value.is_nan() => output.serialize_str("NaN"),
            f64::INFINITY => output.serialize_str("Infinity"),
            f64::NEG_INFINITY => output.serialize_str("-Infinity"),
            value => output.serialize_f64(value),
        }
    }
}

/// The aliases of a version: MLflow writes their names, Unity Catalog an object for each.
pub(crate) fn aliases<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Alias {
        Name(String),
        Object { alias: String },
    }

    let aliases = Vec::<Alias>::deserialize(input)?;
    let name = |(Alias::Name(name) | Alias::Object { alias: name })| name;
    Ok(aliases.into_iter().map(name).collect())
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i64;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, as a number or a text")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<i64, E> {
        value.parse().map_err(E::custom)
    }
}

struct Double;

impl Visitor<'_> for Double {
    type Value = f64;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or `NaN`, `Infinity` or `-Infinity` as a text")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<f64, E> {
        value.parse().map_err(E::custom)
    }
}

struct Optional<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Optional<V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self.0).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Times {
        #[serde(with = "integer")]
        start: i64,
        #[serde(default, with = "integer::option")]
        end: Option<i64>,
    }

    #[derive(Debug, Deserialize, Serialize)]
    struct Loss(#[serde(with = "double")] f64);

    #[test]
    fn integers_are_numbers_or_texts_and_may_be_missing() {
        let times = |text: &str| {
            let Times { start, end } = serde_json::from_str(text).unwrap();
            (start, end)
        };
        assert_eq!(times(r#"{"start":1795332750847}"#), (1_795_332_750_847, None));
        assert_eq!(
            times(r#"{"start":"-7","end":"9007199254740993"}"#),
            (-7, Some(9_007_199_254_740_993))
        );
        assert_eq!(times(r#"{"start":0,"end":null}"#), (0, None));
        for text in [r#"{"start":1.5}"#, r#"{"start":"x"}"#, r#"{"start":18446744073709551615}"#] {
            serde_json::from_str::<Times>(text).unwrap_err();
        }
    }

    #[test]
    fn numbers_that_json_has_not_are_texts_in_both_directions() {
        for (value, text) in [
            (0.25, "0.25"),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
            (f64::NAN, "\"NaN\""),
        ] {
            assert_eq!(serde_json::to_string(&Loss(value)).unwrap(), text);
            let Loss(read) = serde_json::from_str(text).unwrap();
            assert!(read == value || read.is_nan() && value.is_nan(), "{text}");
        }
        assert!(matches!(serde_json::from_str("3"), Ok(Loss(3.0))));
        serde_json::from_str::<Loss>("null").unwrap_err();
    }

    #[test]
    fn aliases_are_names_or_objects() {
        for text in [r#"["a","b"]"#, r#"[{"alias":"a","version":"1"},{"alias":"b"}]"#] {
            let mut input = serde_json::Deserializer::from_str(text);
            assert_eq!(aliases(&mut input).unwrap(), ["a", "b"], "{text}");
        }
    }
}
