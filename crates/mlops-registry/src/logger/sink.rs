use std::time::Duration;

use crate::{Error, LogBatch};

/// Where a [`RunLogger`](crate::RunLogger) sends what it is given: one run.
///
/// Besides the runs of this crate, it is for wrappers around them: one that counts, or has more than one run get a
/// batch.
pub trait LogSink: Send + Sync {
    /// Logs a batch.
    ///
    /// The thread of the logger calls it, one batch after the other, and may call it again with the same batch if the
    /// error [is transient](Error::is_transient). A panic fails the batch.
    ///
    /// # Errors
    /// If the batch, or a part of it, is not logged.
    fn log_batch(&self, batch: &LogBatch) -> Result<(), Error>;

    /// How much time there is between the beginnings of two batches, at least; none by default.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }
}
