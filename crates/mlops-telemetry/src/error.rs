use std::io;
use std::time::Duration;

/// Why telemetry could not be started, or did not get through.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not the name of a request.
    #[error("expected the name of a request: 32 hexadecimal digits in lower case")]
    RequestId,
    /// The share of requests to log is not between 0 and 1.
    #[error("the share of requests to log is {got}, expected a number in [0, 1]")]
    Share {
        /// The number as it was given.
        got: String,
    },
    /// The operating system gave no thread.
    #[error("the thread of the log could not be started: {kind}")]
    Thread {
        /// The kind of the operating system's error.
        kind: io::ErrorKind,
    },
    /// What stood in the queue could not be written in time.
    #[error("the log was not written out within {grace:?}")]
    NotWritten {
        /// How long it was waited for.
        grace: Duration,
    },
}
