use std::fmt;

use serde::{Deserialize, Serialize};

/// A value of each parameter of a search space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate(Vec<(String, Value)>);

/// A value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Value {
    /// Of a parameter that is a whole number.
    Integer(u32),
    /// Of any other.
    Real(f64),
}

impl Candidate {
    pub(super) fn new(values: impl Iterator<Item = (String, Value)>) -> Self {
        Self(values.collect())
    }

    /// The names and values, in the order of the space.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The value of a parameter, if the space has it.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.iter().find(|(each, _)| *each == name).map(|(_, value)| value)
    }

    /// The value of a parameter.
    ///
    /// # Panics
    /// If the space has no such parameter.
    #[track_caller]
    pub fn real(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(value) => value.as_f64(),
            None => panic!("the space has no parameter `{name}`"),
        }
    }

    /// The value of a parameter that is a whole number.
    ///
    /// # Panics
    /// If the space has no such parameter, or not as a whole number.
    #[track_caller]
    pub fn integer(&self, name: &str) -> u32 {
        match self.get(name) {
            Some(Value::Integer(value)) => value,
            _ => panic!("the space has no whole number `{name}`"),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Value {
    /// The value as a number.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(value) => f64::from(value),
            Self::Real(value) => value,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
        }
    }
}
