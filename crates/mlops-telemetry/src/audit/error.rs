use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why an audit log could not be opened, or why an event may not be in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The event found no room among those that wait for the disk.
    #[error("events that wait for the disk hold {capacity} bytes, the most that is allowed")]
    Full {
        /// The memory that events may hold, in bytes.
        capacity: usize,
    },
    /// Someone else writes the log.
    #[error("the audit log in {} is open already", .directory.display())]
    Locked {
        /// The directory of the log.
        directory: PathBuf,
    },
    /// The disk answered with an error.
    #[error("the audit log in {} could not be read or written: {kind}", .directory.display())]
    Storage {
        /// The directory of the log.
        directory: PathBuf,
        /// The kind of the operating system's error.
        kind: io::ErrorKind,
    },
    /// The event has no form as JSON.
    #[error("the event cannot be written as JSON")]
    Encode,
    /// The thread that writes has ended.
    #[error("the thread of the audit log has ended")]
    Stopped,
    /// The open segment was not sealed in time.
    #[error("the audit log was not sealed within {grace:?}")]
    NotSealed {
        /// How long it was waited for.
        grace: Duration,
    },
    /// The operating system gave no thread.
    #[error("the thread of the audit log could not be started: {kind}")]
    Thread {
        /// The kind of the operating system's error.
        kind: io::ErrorKind,
    },
}

impl AuditError {
    pub(super) fn storage(directory: &Path, error: &io::Error) -> Self {
        Self::Storage { directory: directory.to_owned(), kind: error.kind() }
    }
}
