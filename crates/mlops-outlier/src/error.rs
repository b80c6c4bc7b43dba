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
    /// A contamination is not in its range.
    #[error("contamination {got}, expected more than 0 and at most 0.5")]
    InvalidContamination {
        /// The value.
        got: f64,
    },
    /// A threshold is not one that a score can exceed.
    #[error("threshold {got}, expected at least -0.5 and less than 0.5")]
    InvalidThreshold {
        /// The value.
        got: f64,
    },
    /// No row can be an outlier: the threshold is not below the highest score that the trees give.
    #[error("threshold {threshold} is out of reach, no row scores more than {highest}")]
    UnreachableThreshold {
        /// The threshold.
        threshold: f64,
        /// An upper bound of the scores of this forest.
        highest: f64,
    },
    /// The trees are not such as a forest can be made of.
    #[error("the trees do not make a forest")]
    Forest(#[from] mlops_forest::Error),
    /// A file was written by a newer version of this crate.
    #[error("format version {got}, expected at most {supported}")]
    NewerVersion {
        /// The file's version.
        got: u32,
        /// The newest version that is understood.
        supported: u32,
    },
    /// A file is of another format.
    #[error("not an isolation forest")]
    ForeignFormat,
    /// A split of a file has a child that does not stand behind it.
    #[error("tree {tree}, node {node}: a child does not stand behind its parent")]
    ChildOrder {
        /// The tree, counted from 0.
        tree: usize,
        /// The split, counted from 0.
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
    /// A file of Python cannot be read, or is not what was expected.
    #[error(transparent)]
    Python(#[from] mlops_pyobject::Error),
    /// Neither the model nor the caller says what the columns are.
    #[error("no schema, expected one in the model's signature or in the load context")]
    MissingSchema,
}
