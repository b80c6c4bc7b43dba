use std::fmt;
use std::sync::Arc;

use crate::{CheckpointError, MonitorSnapshot, PredictError, Records, Schema};

/// A watch over many batches: it gathers evidence for drift from one to the next, and says what it has found.
///
/// What a monitor knows follows from the rows and their order, not from the batches that they came in. The rows need not
/// be a model's inputs: a monitor of losses reads a schema of one feature.
pub trait DriftMonitor: fmt::Debug + Send {
    /// The features that the monitor reads.
    fn schema(&self) -> &Arc<Schema>;

    /// Takes note of rows, in their order.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the monitor fails.
    fn observe(&mut self, records: &Records) -> Result<(), PredictError>;

    /// What the monitor has found so far.
    fn snapshot(&self) -> MonitorSnapshot;

    /// All that the monitor knows, in a form of its own, for [`restore`](Self::restore).
    fn checkpoint(&self) -> Vec<u8>;

    /// Goes on where a monitor of the same kind and settings was when it made `checkpoint`. If that fails, the monitor
    /// is as it was before.
    ///
    /// # Errors
    /// [`CheckpointError`] if the bytes are no checkpoint, or one of another kind of monitor or schema.
    fn restore(&mut self, checkpoint: &[u8]) -> Result<(), CheckpointError>;
}

impl<T: DriftMonitor + ?Sized> DriftMonitor for Box<T> {
    fn schema(&self) -> &Arc<Schema> {
        (**self).schema()
    }

    fn observe(&mut self, records: &Records) -> Result<(), PredictError> {
        (**self).observe(records)
    }

    fn snapshot(&self) -> MonitorSnapshot {
        (**self).snapshot()
    }

    fn checkpoint(&self) -> Vec<u8> {
        (**self).checkpoint()
    }

    fn restore(&mut self, checkpoint: &[u8]) -> Result<(), CheckpointError> {
        (**self).restore(checkpoint)
    }
}
