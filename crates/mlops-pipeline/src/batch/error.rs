use std::error::Error as StdError;
use std::{fmt, io};

use mlops_core::{PredictError, RecordsError};

use crate::lines::LinesError;

/// Why a file was not scored to its end. No variant repeats a value of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The input cannot be read.
    #[error("the input cannot be read")]
    Read(#[source] io::Error),
    /// The output cannot be written; of kind [`BrokenPipe`](io::ErrorKind::BrokenPipe) if its reader has gone.
    #[error("the output cannot be written")]
    Write(#[source] io::Error),
    /// The file is empty where a line with names should stand.
    #[error("the input is empty, expected a line with the names of the columns")]
    NoHeader,
    /// The line with names is not CSV.
    #[error("the first line does not name columns: a quote is left open, or it is not UTF-8")]
    Header,
    /// Features of the models are not among the columns.
    #[error("the input has no column {}{}", list(columns), hint(*is_separated_otherwise))]
    MissingColumns {
        /// Their names.
        columns: Vec<String>,
        /// Whether the line with names has no comma and another character that separates columns in some files.
        is_separated_otherwise: bool,
    },
    /// A feature of the models stands twice among the columns.
    #[error("the input has two columns `{column}`")]
    DuplicateColumn {
        /// Its name.
        column: String,
    },
    /// The input has a column of the name that one of the results would have.
    #[error("the input has a column `{column}` already; a prefix tells the new ones apart")]
    TakenColumn {
        /// The name.
        column: String,
    },
    /// A feature cannot be read from the values of a column.
    #[error("column `{column}` is of type {found}, expected {expected}")]
    ColumnType {
        /// The column.
        column: String,
        /// Its type as Arrow writes it.
        found: String,
        /// What the feature takes.
        expected: &'static str,
    },
    /// A row cannot be scored, and [`BadRows::Stop`](crate::BadRows) is what shall happen then.
    #[error(transparent)]
    Row(BadRow),
    /// A quote is opened that is not closed before the end.
    #[error("line {line}: a quote is left open")]
    OpenQuote {
        /// The line where the row begins, counted from 1.
        line: u64,
    },
    /// A row is too long to be one.
    #[error("line {line}: the row has more than {limit} bytes; is a quote left open?")]
    RowLength {
        /// The line where it begins, counted from 1.
        line: u64,
        /// The most bytes allowed.
        limit: usize,
    },
    /// A model failed.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The file is not Parquet, or damaged.
    #[error("the input cannot be read as Parquet")]
    Parquet(#[source] Box<dyn StdError + Send + Sync>),
    /// The file is compressed by what needs code in C.
    #[error(
        "column `{column}` is compressed with {codec}, which is not supported; expected snappy, gzip, LZ4 or none"
    )]
    Compression {
        /// The first such column.
        column: String,
        /// The name of the compression.
        codec: String,
    },
}

impl From<LinesError> for BatchError {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Read(error) => Self::Read(error),
            LinesError::OpenQuote { line } => Self::OpenQuote { line },
            LinesError::RowLength { line, limit } => Self::RowLength { line, limit },
        }
    }
}

/// A row that cannot be scored, and why.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BadRow {
    /// Where it is.
    pub place: Place,
    /// What is wrong with it; rows and lines count from the row itself.
    pub fault: RecordsError,
}

/// Where a row is in a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// The line where it begins, counted from 1, that with the names included.
    Line(u64),
    /// Its number in a file without lines, counted from 0.
    Row(u64),
}

impl StdError for BadRow {}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place;
        match &self.fault {
            RecordsError::Invalid(violations) if !violations.is_empty() => {
                let violation = &violations[0];
                match &violation.field {
                    Some(field) => write!(f, "{place}, field `{field}`: {}", violation.message()),
                    None => write!(f, "{place}: {}", violation.message()),
                }
            }
            RecordsError::MalformedJson { column, .. } => {
                write!(f, "{place}, column {column}: malformed JSON")
            }
            RecordsError::MalformedCsv { .. } => {
                write!(f, "{place}: malformed CSV, a stray quote or not UTF-8")
            }
            fault => write!(f, "{place}: {fault}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

fn list(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
    quoted.join(", ")
}

fn hint(is_separated_otherwise: bool) -> &'static str {
    if is_separated_otherwise { "; expected commas between the columns" } else { "" }
}
