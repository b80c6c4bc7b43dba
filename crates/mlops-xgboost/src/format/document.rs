use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::Error;

/// A value of JSON or UBJSON.
#[derive(Debug, PartialEq)]
pub(super) enum Document<'a> {
    Null,
    Boolean(bool),
    Number(Number<'a>),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    Object(BTreeMap<Cow<'a, str>, Self>),
    /// An array of 32-bit floats; XGBoost's reader insists on the element type of UBJSON arrays.
    Floats(Vec<f32>),
    /// An array of integers of one width.
    Integers(Vec<i64>, Width),
}

/// A number as the format holds it: JSON text is kept, so that it is rounded once, to the type that is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number<'a> {
    Text(&'a str),
    Integer(i64),
    Float32(f32),
    Float64(f64),
}

/// The element type of an integer array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Width {
    I8,
    U8,
    I16,
    I32,
    I64,
}

impl Width {
    /// Whether a number is one of this width.
    pub(super) fn fits(self, value: i64) -> bool {
        match self {
            Self::I8 => i8::try_from(value).is_ok(),
            Self::U8 => u8::try_from(value).is_ok(),
            Self::I16 => i16::try_from(value).is_ok(),
            Self::I32 => i32::try_from(value).is_ok(),
            Self::I64 => true,
        }
    }
}

impl<'a> Document<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn object<const N: usize>(entries: [(&'static str, Self); N]) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (Cow::Borrowed(key), value)).collect())
    }

    /// The value of `key`, if this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.get(key),
            _ => None,
        }
    }

    /// The value of `key`.
    pub(super) fn require(&self, key: &'static str) -> Result<&Self, Error> {
        self.get(key).ok_or(Error::MissingKey { key })
    }

    /// The text that stands under `key`.
    pub(super) fn require_text(&self, key: &'static str) -> Result<&str, Error> {
        match self.require(key)? {
            Self::Text(text) => Ok(text),
            _ => Err(Error::WrongType { key, expected: "text" }),
        }
    }

    /// The floats that stand under `key`.
    pub(super) fn require_floats(&self, key: &'static str) -> Result<Cow<'_, [f32]>, Error> {
        let wrong = Error::WrongType { key, expected: "an array of numbers" };
        match self.require(key)? {
            Self::Floats(values) => Ok(Cow::Borrowed(values)),
            Self::Array(values) => {
                values.iter().map(Self::as_f32).collect::<Option<_>>().ok_or(wrong)
            }
            _ => Err(wrong),
        }
    }

    /// The integers that stand under `key`; JSON booleans count as 0 and 1.
    pub(super) fn require_integers(&self, key: &'static str) -> Result<Cow<'_, [i64]>, Error> {
        let wrong = Error::WrongType { key, expected: "an array of integers" };
        match self.require(key)? {
            Self::Integers(values, _) => Ok(Cow::Borrowed(values)),
            Self::Array(values) => {
                values.iter().map(Self::as_i64).collect::<Option<_>>().ok_or(wrong)
            }
            _ => Err(wrong),
        }
    }

    /// The integer that stands under `key`.
    pub(super) fn require_integer(&self, key: &'static str) -> Result<i64, Error> {
        self.require(key)?.as_i64().ok_or(Error::WrongType { key, expected: "an integer" })
    }

    /// The texts that stand under `key`.
    pub(super) fn require_texts(&self, key: &'static str) -> Result<Vec<String>, Error> {
        let wrong = Error::WrongType { key, expected: "an array of texts" };
        let Self::Array(values) = self.require(key)? else { return Err(wrong) };
        let texts = values.iter().map(|value| match value {
            Self::Text(text) => Some(text.clone().into_owned()),
            _ => None,
        });
        texts.collect::<Option<_>>().ok_or(wrong)
    }

    fn as_f32(&self) -> Option<f32> {
        let Self::Number(number) = self else { return None };
        match *number {
            Number::Text(text) => text.parse().ok(),
            Number::Float32(value) => Some(value),
            #[expect(clippy::cast_possible_truncation, reason = "models compute in 32 bits")]
            Number::Float64(value) => Some(value as f32),
            #[expect(clippy::cast_precision_loss, reason = "models compute in 32 bits")]
            Number::Integer(value) => Some(value as f32),
        }
    }

    fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Boolean(value) => Some(i64::from(value)),
            Self::Number(Number::Text(text)) => text.parse().ok(),
            Self::Number(Number::Integer(value)) => Some(value),
            _ => None,
        }
    }
}
