use std::sync::Arc;

use crate::Error;

/// What has become of what a [`RunLogger`](crate::RunLogger) was given; metrics, parameters and tags count alike.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use = "it may tell of values that are not logged"]
pub struct LoggerReport {
    /// What the destination has.
    pub logged: u64,
    /// Metrics that found the queue full.
    pub dropped: u64,
    /// What the destination will not have, or was called with when it panicked.
    pub failed: u64,
    /// What waits, or is being sent. In the last report that is what was given up at the deadline; the destination may
    /// have got the batch that was being sent.
    pub pending: u64,
    /// What keeps a batch from being sent or, if nothing does, the last reason why something failed; a panic gives
    /// none.
    pub error: Option<Arc<Error>>,
}

impl LoggerReport {
    /// Whether the destination has everything.
    pub fn is_complete(&self) -> bool {
        self.dropped == 0 && self.failed == 0 && self.pending == 0
    }
}
