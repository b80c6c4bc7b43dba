//! Deletion of runs, which can be undone.

use std::path::Path;

use serde_json::json;

use super::DELETED;
use crate::{Error, LocalStore, RunId, meta};

impl LocalStore {
    /// Deletes a run; it is still there, and can be [restored](Self::restore_run).
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if there is none
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be written
    pub fn delete_run(&self, id: &RunId) -> Result<(), Error> {
        let _lock = self.lock()?;
        mark(&self.run(id)?.folder(), DELETED)
    }

    /// Restores a run that was deleted; nothing happens if it was not.
    ///
    /// # Errors
    /// As [`delete_run`](Self::delete_run).
    pub fn restore_run(&self, id: &RunId) -> Result<(), Error> {
        let _lock = self.lock()?;
        mark(&self.run(id)?.folder(), "active")
    }
}

/// Notes in a run whether it is deleted. The caller holds the lock.
pub(crate) fn mark(folder: &Path, lifecycle_stage: &str) -> Result<(), Error> {
    meta::update(folder, |meta| {
        meta.insert("lifecycle_stage".to_owned(), json!(lifecycle_stage));
        if lifecycle_stage == DELETED {
            meta.insert("deleted_time".to_owned(), json!(meta::now()));
        } else {
            meta.remove("deleted_time");
        }
    })
}
