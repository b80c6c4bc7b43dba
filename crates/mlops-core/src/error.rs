use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// What is wrong with a schema, with records or with values computed from them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A schema needs at least one feature.
    #[error("a schema needs at least one feature")]
    EmptySchema,
    /// Two features of a schema share a name.
    #[error("feature `{feature}` stands twice in the schema")]
    DuplicateFeature {
        /// The name that stands twice.
        feature: String,
    },
    /// A matrix does not have one column per feature.
    #[error("{got} columns, expected {expected}, one per feature of the schema")]
    ColumnCount {
        /// The number of columns.
        got: usize,
        /// The number of features.
        expected: usize,
    },
    /// A value is infinite or too large for 32-bit arithmetic.
    #[error("feature `{feature}` is out of range at row {row}, expected a finite 32-bit number")]
    NotFinite {
        /// The row, counted from 0.
        row: usize,
        /// The feature's name.
        feature: String,
    },
    /// A scaler's means and scales are not one each per column.
    #[error("{means} means and {scales} scales, expected one of each per column")]
    ScalerLength {
        /// The number of means.
        means: usize,
        /// The number of scales.
        scales: usize,
    },
    /// A scaler would not give a finite number.
    #[error(
        "column {column} has mean {mean} and scale {scale}, expected finite numbers and no scale of 0"
    )]
    InvalidScale {
        /// The column, counted from 0.
        column: usize,
        /// Its mean.
        mean: f64,
        /// Its scale.
        scale: f64,
    },
    /// There are no rows where at least one is needed.
    #[error("no rows, expected at least one")]
    NoRows,
}

/// Why a model could not be read or written.
#[derive(Debug)]
pub struct ModelError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ModelErrorKind,
    path: PathBuf,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a [`ModelError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelErrorKind {
    /// The directory or a file in it is not there.
    NotFound,
    /// A file could not be read or written.
    Io,
    /// A file is there, and its content is not what its name or place promises.
    Malformed,
    /// The directory has no flavor that the model type understands.
    MissingFlavor {
        /// The flavor that was looked for.
        expected: &'static str,
    },
    /// The content is understood and not supported.
    Unsupported {
        /// What is not supported.
        what: &'static str,
    },
}

impl ModelError {
    /// An error of `kind` at `path`.
    pub fn new(kind: ModelErrorKind, path: impl AsRef<Path>) -> Self {
        Self(Box::new(Inner { kind, path: path.as_ref().to_owned(), source: None }))
    }

    /// An error about the content of the file at `path`.
    pub fn malformed(
        path: impl AsRef<Path>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::new(ModelErrorKind::Malformed, path).with_source(source)
    }

    /// An error of the operating system at `path`.
    pub fn io(path: impl AsRef<Path>, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ModelErrorKind::NotFound,
            _ => ModelErrorKind::Io,
        };
        Self::new(kind, path).with_source(source)
    }

    /// The same error with the error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> &ModelErrorKind {
        &self.0.kind
    }

    /// The file or directory that the error is about.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether something that should be there is not.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ModelErrorKind::NotFound
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path.display();
        match &self.0.kind {
            ModelErrorKind::NotFound => write!(f, "{path} is not there"),
            ModelErrorKind::Io => write!(f, "{path} cannot be read or written"),
            ModelErrorKind::Malformed => write!(f, "{path} is malformed"),
            ModelErrorKind::MissingFlavor { expected } => {
                write!(f, "{path} has no flavor `{expected}`")
            }
            ModelErrorKind::Unsupported { what } => {
                write!(f, "{path} holds {what}, which is not supported")
            }
        }
    }
}

impl StdError for ModelError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

/// Why a model could not answer.
#[derive(Debug)]
pub struct PredictError {
    kind: PredictErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a [`PredictError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PredictErrorKind {
    /// The records do not have the model's schema.
    SchemaMismatch,
    /// The model itself failed.
    Model,
}

impl PredictError {
    /// The records do not have the model's schema.
    pub fn schema_mismatch() -> Self {
        Self { kind: PredictErrorKind::SchemaMismatch, source: None }
    }

    /// The model itself failed.
    pub fn model(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: PredictErrorKind::Model, source: Some(source.into()) }
    }

    /// The kind of the error.
    pub fn kind(&self) -> PredictErrorKind {
        self.kind
    }
}

impl fmt::Display for PredictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            PredictErrorKind::SchemaMismatch => "the records do not have the model's schema",
            PredictErrorKind::Model => "the model failed",
        })
    }
}

impl StdError for PredictError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

/// Why a monitor did not take a checkpoint.
#[derive(Debug)]
pub struct CheckpointError {
    kind: CheckpointErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a [`CheckpointError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointErrorKind {
    /// It was made by another kind or version of monitor, or by one with other settings.
    OtherMonitor,
    /// The monitor that made it reads other features.
    SchemaMismatch,
    /// It is no checkpoint, or a damaged one.
    Malformed,
}

impl CheckpointError {
    /// The checkpoint was made by another kind or version of monitor, or by one with other settings.
    pub fn other_monitor() -> Self {
        Self { kind: CheckpointErrorKind::OtherMonitor, source: None }
    }

    /// The monitor that made the checkpoint reads other features.
    pub fn schema_mismatch() -> Self {
        Self { kind: CheckpointErrorKind::SchemaMismatch, source: None }
    }

    /// The bytes are no checkpoint, or a damaged one.
    pub fn malformed(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: CheckpointErrorKind::Malformed, source: Some(source.into()) }
    }

    /// The kind of the error.
    pub fn kind(&self) -> CheckpointErrorKind {
        self.kind
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CheckpointErrorKind::OtherMonitor => {
                "the checkpoint is one of another monitor, or of other settings"
            }
            CheckpointErrorKind::SchemaMismatch => "the checkpoint has other features",
            CheckpointErrorKind::Malformed => "the checkpoint is malformed",
        })
    }
}

impl StdError for CheckpointError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}
