use std::path::Path;
use std::sync::Arc;

use super::twin::twin;
use super::worker::Worker;
use crate::Error;
use crate::client::{self, Artifact, Transfer};

/// A [`client::ArtifactRepository`] whose methods wait for the server, from
/// [`MlflowClient::artifact_repository`](super::MlflowClient::artifact_repository).
#[derive(Clone, Debug)]
pub struct ArtifactRepository {
    twin: client::ArtifactRepository,
    worker: Arc<Worker>,
}

impl ArtifactRepository {
    pub(crate) fn new(twin: client::ArtifactRepository, worker: &Arc<Worker>) -> Self {
        Self { twin, worker: Arc::clone(worker) }
    }

    /// The location.
    pub fn uri(&self) -> &str {
        self.twin.uri()
    }

    twin!(list() -> Vec<Artifact>, "ArtifactRepository");
    twin!(read(path: &str) -> Vec<u8>, "ArtifactRepository");
    twin!(download(path: &str, destination: &Path, transfer: &Transfer) -> (), "ArtifactRepository");
    twin!(upload(source: &Path, path: &str, transfer: &Transfer) -> (), "ArtifactRepository");
}
