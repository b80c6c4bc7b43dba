use crate::Limit;

/// Why a file could not be read, or is not what its reader expects.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no pickle.
    #[error("malformed pickle at byte {offset}: {problem}")]
    Pickle {
        /// Where reading stopped.
        offset: usize,
        /// What was wrong there.
        problem: &'static str,
    },
    /// The bytes are no zip archive, or not one with a model in it.
    #[error("malformed archive: {problem}")]
    Archive {
        /// What is wrong.
        problem: &'static str,
    },
    /// A file in an archive is malformed.
    #[error("malformed archive: `{entry}` {problem}")]
    Entry {
        /// The name of the file in the archive.
        entry: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file uses something that is known and not supported.
    #[error("{what} is not supported")]
    Unsupported {
        /// What is not supported.
        what: &'static str,
    },
    /// The file is larger than the caller allows.
    #[error("{limit} above {maximum}, the limit")]
    LimitExceeded {
        /// What became too large.
        limit: Limit,
        /// The largest value that is allowed.
        maximum: usize,
    },
    /// An object has no such attribute.
    #[error("`{path}` has no attribute `{attribute}`")]
    MissingAttribute {
        /// The object.
        path: String,
        /// The attribute that was looked for.
        attribute: String,
    },
    /// A sequence is too short.
    #[error("`{path}` has no item {index}, its length is {length}")]
    MissingItem {
        /// The sequence.
        path: String,
        /// The position that was looked for, counted from 0.
        index: usize,
        /// The number of items.
        length: usize,
    },
    /// A dict or a structured array has no such key.
    #[error("`{path}` has no key `{key}`")]
    MissingKey {
        /// The dict or array.
        path: String,
        /// The key that was looked for.
        key: String,
    },
    /// An object is of another kind or class than its reader expects.
    #[error("`{path}` is {got}, expected {expected}")]
    Unexpected {
        /// The object.
        path: String,
        /// The kind or class that was expected.
        expected: String,
        /// The kind or class of the object, by name.
        got: String,
    },
    /// A model was fitted to another number of columns.
    #[error("the model has {got} columns, expected {expected}")]
    ColumnCount {
        /// The number of columns that the model was fitted to.
        got: usize,
        /// The number of columns that it will be given.
        expected: usize,
    },
    /// A model was fitted to other columns, or to the same in another order.
    #[error("the model has column `{got}` where `{expected}` is expected")]
    ColumnName {
        /// The name that the model knows.
        got: String,
        /// The name that was expected in its place.
        expected: String,
    },
    /// An object is of the right kind, and its value is impossible.
    #[error("`{path}` {problem}")]
    Invalid {
        /// The object.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}
