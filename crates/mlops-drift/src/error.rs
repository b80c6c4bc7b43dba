use std::fmt;

use mlops_core::JsonFault;

/// Why a test, a correction or a detector cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A significance level is not between 0 and 1.
    #[error("significance level {got}, expected a number above 0 and below 1")]
    InvalidAlpha {
        /// The number that was given.
        got: f64,
    },
    /// A minimum effect is not between 0 and 1.
    #[error("effect {got}, expected a number from 0 to 1")]
    InvalidEffect {
        /// The number that was given.
        got: f64,
    },
    /// A sample has no values.
    #[error("the {sample} is empty, expected at least one value")]
    EmptySample {
        /// The sample without values.
        sample: Sample,
    },
    /// A sample has a value that is infinite or NaN.
    #[error("the {sample} is not finite at position {position}")]
    NotFinite {
        /// The sample that has the value.
        sample: Sample,
        /// The value's position, counted from 0.
        position: usize,
    },
    /// The two samples do not have a count for each of the same categories.
    #[error(
        "{batch} categories in the batch and {reference} in the reference, expected the same number"
    )]
    CategoryCount {
        /// The number of counts of the reference.
        reference: usize,
        /// The number of counts of the batch.
        batch: usize,
    },
    /// The counts of both samples sum up to more than 2^53.
    #[error("the counts sum up to more than 2^53")]
    TooManyCounts,
    /// A sample does not have one weight for each value.
    #[error("the {sample} has {got} weights, expected one for each of its {expected} values")]
    WeightCount {
        /// The sample that has the weights.
        sample: Sample,
        /// The number of weights.
        got: usize,
        /// The number of values.
        expected: usize,
    },
    /// A weight is negative, infinite or NaN.
    #[error(
        "weight {got} at position {position} of the {sample}, expected a finite number from 0 on"
    )]
    InvalidWeight {
        /// The sample that has the weight.
        sample: Sample,
        /// The weight's position, counted from 0.
        position: usize,
        /// The weight.
        got: f64,
    },
    /// All weights of a sample are 0.
    #[error("the {sample} has no weight above 0, expected at least one")]
    NoWeight {
        /// The sample without weight.
        sample: Sample,
    },
    /// A number that should be a p-value is not in `[0, 1]`.
    #[error("{got} at position {position} is no p-value, expected a number from 0 to 1")]
    NotAProbability {
        /// The number's position, counted from 0.
        position: usize,
        /// The number.
        got: f64,
    },
    /// A detector needs at least one row as its reference.
    #[error("the reference has no rows, expected at least one")]
    NoRows,
    /// A feature is named that the schema does not have.
    #[error("the schema has no feature `{feature}`")]
    UnknownFeature {
        /// The name.
        feature: String,
    },
    /// A feature of real numbers is to be tested as categories.
    #[error("feature `{feature}` is numeric, expected an integer or categorical feature")]
    NotCategorical {
        /// The feature's name.
        feature: String,
    },
    /// A reference holds a value of a categorical feature that is not among its categories.
    #[error("feature `{feature}` has a value in the reference that is not among its categories")]
    UndeclaredCategory {
        /// The feature's name.
        feature: String,
    },
    /// The preprocessing of a detector gives one column twice.
    #[error("feature `{feature}` is tested twice, expected once")]
    RepeatedColumn {
        /// The feature's name.
        feature: String,
    },
    /// The reference rows of a detector are no records.
    #[error("the reference rows are no records")]
    InvalidRows(#[source] mlops_core::Error),
    /// Neither the model nor the caller says what the columns are.
    #[error("no schema, expected one in the model's signature or in the load context")]
    MissingSchema,
    /// A file of Python cannot be read, or is not what was expected.
    #[error(transparent)]
    Python(#[from] mlops_pyobject::Error),
    /// A stored detector is no JSON, or lacks something, or holds what it must not.
    #[error("line {line}, column {column} of the stored detector: {message}")]
    Json {
        /// The line of the fault, counted from 1.
        line: usize,
        /// The column of the fault.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A file is no stored detector.
    #[error("the file is no stored drift detector")]
    UnknownFormat,
    /// A stored detector has another version of the format: fit it again.
    #[error("the stored detector has format version {got}, expected {expected}")]
    FormatVersion {
        /// The version of the file.
        got: u32,
        /// The version that is read.
        expected: u32,
    },
    /// The values of a stored detector were changed after it was written.
    #[error("the values of the stored detector are not those of its reference id")]
    ReferenceId,
    /// The features of a stored reference are not those of the schema.
    #[error("the stored reference does not have the features of the schema")]
    FeatureMismatch,
    /// A stored reference holds something else than distinct values and how often each stands.
    #[error(
        "the stored values of feature `{feature}` are not ascending with one positive count each, or too many"
    )]
    InvalidReference {
        /// The feature's name.
        feature: String,
    },
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        let JsonFault { line, column, message, .. } = error.into();
        Self::Json { line, column, message }
    }
}

/// One of the two samples of a test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sample {
    /// What the batch is compared with.
    Reference,
    /// What is tested.
    Batch,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Batch => "batch",
        })
    }
}
