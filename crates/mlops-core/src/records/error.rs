use std::fmt;

use serde::{Serialize, Serializer};

/// Why a body is not a set of records. No variant repeats a value of the body.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// The body is not JSON.
    #[error("malformed JSON at line {line}, column {column}")]
    MalformedJson {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// The body is not CSV: a quote is left open, or a value is not UTF-8.
    #[error("malformed CSV at line {line}")]
    MalformedCsv {
        /// The line, counted from 1.
        line: u64,
    },
    /// There are more rows than allowed.
    #[error("more than {limit} rows")]
    TooManyRows {
        /// The most rows allowed.
        limit: usize,
    },
    /// The body is well formed and does not fit the schema.
    #[error("{} violations of the schema, the first: {}", .0.len(), .0[0])]
    Invalid(
        /// What does not fit, in order of appearance: at least one, at most 32.
        Vec<Violation>,
    ),
}

/// One place of a body that does not fit the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// The row, counted from 0; `None` if a whole column or the whole body is meant.
    pub row: Option<usize>,
    /// The field, if one is meant; a name that is not the schema's is cut after 64 characters.
    pub field: Option<String>,
    /// What is wrong.
    pub code: ViolationCode,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}, ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "field `{field}`: ")?;
        }
        f.write_str(self.message())
    }
}

impl Violation {
    /// What is wrong, in words.
    pub fn message(&self) -> &'static str {
        match (self.code, self.row, &self.field) {
            (ViolationCode::Type, None, None) => "expected an array of objects, one per row",
            (ViolationCode::Type, Some(_), None) => "expected an object with the fields of a row",
            (ViolationCode::Length, None, Some(_)) => "expected one value for each row",
            (code, ..) => code.message(),
        }
    }
}

/// What is wrong at one place of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ViolationCode {
    /// The body holds no rows.
    Empty,
    /// The value has another type than the schema says.
    Type,
    /// A field of the schema is not in the row, or in no row.
    Missing,
    /// A field is not in the schema.
    Unknown,
    /// A field stands twice in the row, or in the header.
    Duplicate,
    /// A number is infinite, or too large for 32-bit arithmetic.
    NonFinite,
    /// An integer feature has a fractional value.
    NotInteger,
    /// A categorical feature has a value that is none of its levels.
    UnknownLevel,
    /// A row has not one value for each column, or a column not one for each row.
    Length,
}

impl ViolationCode {
    /// All codes.
    pub const ALL: [Self; 9] = [
        Self::Empty,
        Self::Type,
        Self::Missing,
        Self::Unknown,
        Self::Duplicate,
        Self::NonFinite,
        Self::NotInteger,
        Self::UnknownLevel,
        Self::Length,
    ];

    /// The code as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Type => "type",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Duplicate => "duplicate",
            Self::NonFinite => "non_finite",
            Self::NotInteger => "not_integer",
            Self::UnknownLevel => "unknown_level",
            Self::Length => "length",
        }
    }

    /// The code in words.
    pub fn message(self) -> &'static str {
        match self {
            Self::Empty => "expected at least one row",
            Self::Type => "the value has the wrong type",
            Self::Missing => "the field is missing; `null` stands for a missing value",
            Self::Unknown => "the field is not in the schema",
            Self::Duplicate => "the field stands twice",
            Self::NonFinite => "the number is too large",
            Self::NotInteger => "expected a whole number",
            Self::UnknownLevel => "the value is none of the feature's levels",
            Self::Length => "expected one value for each column",
        }
    }
}

impl Serialize for ViolationCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
