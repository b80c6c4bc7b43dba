use std::error::Error as StdError;
use std::path::Path;
use std::{fmt, io};

use mlops_core::ModelError;

use crate::{NameError, UriError};

/// Why a store or server could not do what it was asked for.
///
/// It names the operation and its target; what lies below, if anything, is the
/// [`source`](StdError::source).
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    target: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An experiment or registered model with this name is there already, an experiment maybe among the deleted ones.
    AlreadyExists,
    /// A key, name, digest or alias breaks MLflow's rules; the source is a [`NameError`].
    InvalidName,
    /// A URI is malformed; the source is a [`UriError`].
    InvalidUri,
    /// The server does not let whoever asks do it.
    Forbidden,
    /// A file or directory could not be read or written.
    Io,
    /// A file of the store is there, and its content is not what its place promises; or a server's answer is not MLflow's.
    Malformed,
    /// A model could not be written or read; the source is a [`ModelError`].
    Model,
    /// What was asked for is not there.
    NotFound,
    /// Only the versions in `Staging` and `Production` can be archived by a successor.
    NotArchivable,
    /// The parameter is logged already, with another value.
    ParamChanged,
    /// The server or store does not take the arguments.
    Refused,
    /// A setting of a client, in the program or in its environment, is wrong; with the feature `client`, the source is
    /// a `client::SettingError`.
    Setting,
    /// The server wants to know who asks.
    Unauthorized,
    /// The server cannot be reached, or has no time, or failed.
    Unavailable,
    /// The location is of a kind that this crate does not read, or the server does not have what was asked for.
    Unsupported,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: &'static str, target: impl fmt::Display) -> Self {
        Self(Box::new(Inner { kind, operation, target: target.to_string(), source: None }))
    }

    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        Self::new(kind, operation, path.display()).with_source(source)
    }

    pub(crate) fn not_found(target: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, "find", target)
    }

    pub(crate) fn malformed(path: &Path) -> Self {
        Self::new(ErrorKind::Malformed, "read", path.display())
    }

    pub(crate) fn name(operation: &'static str, name: &str, source: NameError) -> Self {
        Self::new(ErrorKind::InvalidName, operation, format_args!("`{name}`")).with_source(source)
    }

    pub(crate) fn uri(operation: &'static str, uri: &str, source: UriError) -> Self {
        let kind = match source {
            UriError::Scheme { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::InvalidUri,
        };
        Self::new(kind, operation, format_args!("`{uri}`")).with_source(source)
    }

    pub(crate) fn model(path: &Path, source: ModelError) -> Self {
        Self::new(ErrorKind::Model, "write the model", path.display()).with_source(source)
    }

    pub(crate) fn unreadable_model(path: &Path, source: ModelError) -> Self {
        Self::new(ErrorKind::Model, "read the model", path.display()).with_source(source)
    }

    #[cfg(feature = "client")]
    pub(crate) fn setting(setting: impl fmt::Display, source: crate::client::SettingError) -> Self {
        Self::new(ErrorKind::Setting, "use", setting).with_source(source)
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether it may succeed later as it is: a server could not be reached, or had no time.
    pub fn is_transient(&self) -> bool {
        self.0.kind == ErrorKind::Unavailable
    }

    /// Whether there is no such thing on this server or in this store, and will not be: stages in Unity Catalog, logged
    /// models before MLflow 3.
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == ErrorKind::Unsupported
    }

    /// What a server said, if one was asked.
    #[cfg(feature = "client")]
    pub fn server(&self) -> Option<&crate::client::ServerError> {
        self.0.source.as_deref()?.downcast_ref()
    }

    /// Whether the server may have done it, without saying so.
    #[cfg(feature = "client")]
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.server().is_some_and(|error| error.is_ambiguous)
    }

    /// What was being done, such as `register`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// What it was done to: a file, or a name in back quotes.
    pub fn target(&self) -> &str {
        &self.0.target
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, operation, target, .. } = &*self.0;
        let reason = match kind {
            ErrorKind::AlreadyExists => "it is there already",
            ErrorKind::InvalidName => "the name is not allowed",
            ErrorKind::InvalidUri => "it is not a valid model URI",
            ErrorKind::Forbidden => "the server does not allow it",
            ErrorKind::Io => "the file system refuses",
            ErrorKind::Malformed => "the content is malformed",
            ErrorKind::Model => "the model has failed",
            ErrorKind::NotFound => "it is not there",
            ErrorKind::NotArchivable => "only Staging and Production have versions to archive",
            ErrorKind::ParamChanged => "it is logged already with another value",
            ErrorKind::Refused => "it is refused",
            ErrorKind::Setting => "the setting is wrong",
            ErrorKind::Unauthorized => "the server asks who you are",
            ErrorKind::Unavailable => "the server gave no answer",
            ErrorKind::Unsupported => "it is not supported",
        };
        write!(f, "cannot {operation} {target}: {reason}")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide_and_can_be_sent() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn the_text_names_operation_and_target_and_leaves_the_cause_to_the_source() {
        let error = Error::name("register", "a/b", NameError::Empty { what: "model name" });
        assert_eq!(error.to_string(), "cannot register `a/b`: the name is not allowed");
        assert_eq!(error.source().unwrap().to_string(), "the model name is empty");
    }
}
