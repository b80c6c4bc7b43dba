use std::io;

use crate::lines::LinesError;

/// Why a table of labels cannot be read, or a row of it. No variant repeats a value of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The input cannot be read.
    #[error("the labels cannot be read")]
    Read(#[source] io::Error),
    /// The file is empty where a line with names should stand.
    #[error("the file is empty, expected a line with the names of the columns")]
    NoHeader,
    /// The line with names is not CSV.
    #[error("the first line does not name columns: a quote is left open, or it is not UTF-8")]
    Header,
    /// A column is not there.
    #[error(
        "the file has no column `{column}`, expected `request_id`, `row` and `label` between commas"
    )]
    MissingColumn {
        /// Its name.
        column: &'static str,
    },
    /// A column is there twice.
    #[error("the file has two columns `{column}`")]
    DuplicateColumn {
        /// Its name.
        column: &'static str,
    },
    /// A row is not CSV.
    #[error("line {line}: malformed CSV, a stray quote or not UTF-8")]
    Row {
        /// The line where it begins, counted from 1.
        line: u64,
    },
    /// A row does not have one value for each column.
    #[error("line {line}: {got} values, expected {expected}")]
    Width {
        /// The line where it begins, counted from 1.
        line: u64,
        /// How many values it has.
        got: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A value is not what its column takes.
    #[error("line {line}, column `{column}`: expected {expected}")]
    Value {
        /// The line where the row begins, counted from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What it takes.
        expected: &'static str,
    },
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
}

impl From<LinesError> for LabelError {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Read(error) => Self::Read(error),
            LinesError::OpenQuote { line } => Self::OpenQuote { line },
            LinesError::RowLength { line, limit } => Self::RowLength { line, limit },
        }
    }
}
