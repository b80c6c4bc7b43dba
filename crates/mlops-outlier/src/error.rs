use mlops_core::JsonFault;

/// Why an isolation forest cannot be fitted, given a threshold or read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no rows to fit.
    #[error("no rows, expected at least one")]
    NoRows,
    /// A forest needs at least one tree.
    #[error("no trees, expected at least one")]
    NoTrees,
    /// A tree needs at least one training row.
    #[error("no training rows per tree, expected at least one")]
    NoSamples,
    /// A tree needs at least one feature.
    #[error("no features per tree, expected at least one")]
    NoFeatures,
    /// A contamination is not in its range.
    #[error("contamination {got}, expected more than 0 and at most 0.5")]
    InvalidContamination {
        /// The value.
        got: f64,
    },
    /// A percentile is not in its range.
    #[error("percentile {got}, expected at least 0 and less than 100")]
    InvalidPercentile {
        /// The value.
        got: f64,
    },
    /// A false-positive rate is not in its range.
    #[error("false-positive rate {got}, expected more than 0 and at most 0.5")]
    InvalidFalsePositiveRate {
        /// The value.
        got: f64,
    },
    /// A threshold tells no row from another: no row scores more, or none less.
    #[error("threshold {threshold} is out of reach, scores are between {lowest} and {highest}")]
    UnreachableThreshold {
        /// The threshold.
        threshold: f64,
        /// A lower bound of the scores of this forest.
        lowest: f64,
        /// An upper bound of the scores of this forest.
        highest: f64,
    },
    /// The forest does not know how its training rows scored.
    #[error("the scores of the training rows are not known, expected a forest that was calibrated")]
    NotCalibrated,
    /// There are too few rows to promise a false-positive rate.
    #[error("{got} rows, expected at least {expected} for this false-positive rate")]
    TooFewRows {
        /// The number of rows.
        got: usize,
        /// The least number that is enough.
        expected: usize,
    },
    /// The trees are not such as a forest can be made of.
    #[error("the trees do not make a forest")]
    Forest(#[from] mlops_forest::Error),
    /// A stored forest is no JSON, or lacks something, or holds what it must not.
    #[error("the stored forest, {0}")]
    Json(JsonFault),
    /// A file is of another version of the format.
    #[error("format version {got}, expected {expected}")]
    FormatVersion {
        /// The file's version.
        got: u32,
        /// The version that is understood.
        expected: u32,
    },
    /// A file is of another format.
    #[error("not an isolation forest")]
    ForeignFormat,
    /// A file's quantiles of training scores are none.
    #[error("the quantiles of the training scores are not as many or not in order")]
    InvalidQuantiles,
    /// A split of a file has a child that does not stand behind it.
    #[error("tree {tree}, node {node}: a child does not stand behind its parent")]
    ChildOrder {
        /// The tree, counted from 0.
        tree: usize,
        /// The split, counted from 0.
        node: usize,
    },
    /// A split compares with something that is no finite number.
    #[error("tree {tree}, node {node}: threshold {threshold}, expected a finite number")]
    InfiniteThreshold {
        /// The tree, counted from 0.
        tree: usize,
        /// The split, counted from 0.
        node: usize,
        /// The threshold.
        threshold: f32,
    },
    /// No split of a file leads to a node.
    #[error("tree {tree}, node {node}: no split leads to it")]
    StrayNode {
        /// The tree, counted from 0.
        tree: usize,
        /// The node, counted from 0.
        node: usize,
    },
    /// A model was fitted to another number of columns.
    #[error("the model has {got} columns, expected {expected}")]
    ColumnCount {
        /// The number of columns that the model was fitted to.
        got: usize,
        /// The number of columns that it will be given.
        expected: usize,
    },
    /// The records do not have the columns of the forest.
    #[error("the records have other columns than the forest")]
    SchemaMismatch,
    /// No row of 32-bit numbers goes to one of the sides of a split.
    #[error(
        "tree {tree}, node {node}: 32 bits do not tell apart what it splits of feature `{feature}`"
    )]
    NotSeparable {
        /// The tree, counted from 0.
        tree: usize,
        /// The split, counted from 0.
        node: usize,
        /// The name of the feature.
        feature: String,
    },
    /// A forest has more nodes than its file can hold.
    #[error("the file would have {n_bytes} bytes, expected less than 2^31")]
    TooLarge {
        /// The size that the file would have.
        n_bytes: usize,
    },
    /// A file of Python cannot be read, or is not what was expected.
    #[error(transparent)]
    Python(#[from] mlops_pyobject::Error),
    /// Neither the model nor the caller says what the columns are.
    #[error("no schema, expected one in the model's signature or in the load context")]
    MissingSchema,
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.into())
    }
}
