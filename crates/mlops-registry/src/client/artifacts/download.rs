mod segments;

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::checksums::Checksums;
use super::part_file::PartFile;
use super::staging::Staging;
use super::store::{Content, Store};
use super::transfer::{FileTally, Tally, Transfer};
use super::{Artifact, ArtifactRepository, blocking, gave_no_answer, join};
use crate::client::retries::{Failure, Repeat, Retries};
use crate::{Error, ErrorKind, random};
use segments::Arrival;

/// What came of an attempt: a store that broke off may go on another time.
type Attempt<T> = Result<Result<T, BrokenOff>, Error>;

struct BrokenOff(Error);

impl BrokenOff {
    fn new(path: &str, reason: &'static str) -> Self {
        let target = format_args!("`{path}`: {reason}");
        Self(Error::new(ErrorKind::Unavailable, "download", target))
    }

    /// The store closed before the end.
    fn too_early(path: &str) -> Self {
        Self::new(path, "it ended too early")
    }
}

/// The content of one file.
pub(super) async fn read(repository: &ArtifactRepository, path: &str) -> Result<Vec<u8>, Error> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match read_once(&*repository.store, path).await? {
            Ok(bytes) => return Ok(bytes),
            Err(broken) => wait(&repository.client.transport.retries, attempts, broken).await?,
        }
    }
}

async fn read_once(store: &dyn Store, path: &str) -> Attempt<Vec<u8>> {
    let mut content = store.read(path, None).await?;
    let mut bytes = Vec::new();
    loop {
        match content.chunks.next().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return broken_off(error),
        }
    }
    if content.size.is_some_and(|size| size != bytes.len() as u64) {
        return Ok(Err(BrokenOff::too_early(path)));
    }
    Ok(Ok(bytes))
}

/// All files below `folder`.
pub(super) async fn folder(
    repository: &ArtifactRepository,
    folder: &str,
    destination: &Path,
    transfer: &Transfer,
) -> Result<(), Error> {
    let source = join(&repository.uri, folder);
    let files = repository.list_below(folder).await?;
    if files.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "download", format_args!("`{source}`")));
    }
    // Another list of files is another download.
    let list = files.iter().map(|file| format!("{:?} {:?} {}\n", file.size, file.tag, file.path));
    let (at, from) = (destination.to_owned(), format!("{source}\n{}", list.collect::<String>()));
    let staging = blocking("prepare the download", move || Staging::open(&at, &from)).await?;
    let staging = Arc::new(staging);
    let bytes = files.iter().filter_map(|file| file.size).fold(0, u64::saturating_add);
    let tally = Tally::new(transfer, files.len(), bytes);
    let permits = Arc::new(Semaphore::new(transfer.parallel));
    let mut tasks = JoinSet::new();
    for artifact in files {
        let path = artifact.path.strip_prefix(folder).unwrap_or(&artifact.path);
        let file = Download {
            store: Arc::clone(&repository.store),
            staging: Arc::clone(&staging),
            retries: repository.client.transport.retries,
            path: path.trim_start_matches('/').to_owned(),
            segment_size: transfer.segment_size,
            tally: tally.file(),
            artifact,
        };
        let permits = Arc::clone(&permits);
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            Arc::new(file).run().await
        });
    }
    // Dropped, the set ends what is still under way.
    while let Some(outcome) = tasks.join_next().await {
        let target = format_args!("`{source}`");
        outcome.map_err(|error| gave_no_answer("download", target, error))??;
    }
    blocking("put the download in place", move || {
        Checksums::verify(&staging)?;
        staging.publish()
    })
    .await
}

/// One file on its way.
struct Download {
    store: Arc<dyn Store>,
    staging: Arc<Staging>,
    retries: Retries,
    artifact: Artifact,
    /// Below the destination.
    path: String,
    segment_size: u64,
    tally: FileTally,
}

impl Download {
    async fn run(self: Arc<Self>) -> Result<(), Error> {
        if self.staging.has(&self.path, self.artifact.size) {
            self.tally.is_at(self.artifact.size.unwrap_or(0));
            self.tally.is_done();
            return Ok(());
        }
        let mut attempts = 0;
        while let Err(broken) = self.attempt().await? {
            attempts += 1;
            wait(&self.retries, attempts, broken).await?;
        }
        self.tally.is_done();
        Ok(())
    }

    async fn attempt(self: &Arc<Self>) -> Attempt<()> {
        let content = match self.artifact.size {
            Some(size) if size / 2 > self.segment_size => {
                match segments::fetch(self, size).await? {
                    Ok(Arrival::Whole) => {
                        let part = PartFile::at(&self.staging.part(&self.path), size).await;
                        let part = part.map_err(|error| self.unwritten(error))?;
                        return self.complete(part).await.map(Ok);
                    }
                    Ok(Arrival::Stream(content)) => content,
                    Err(broken) => return Ok(Err(broken)),
                }
            }
            size => {
                // On from where the last attempt ended, if the store says that the file is still the same.
                let rest = self.staging.rest(&self.path, size);
                self.store.read(&self.artifact.path, rest.as_ref()).await?
            }
        };
        let failed = |error| self.unwritten(error);
        self.staging.begin(&self.path).map_err(failed)?;
        let part = self.staging.part(&self.path);
        let mut part = PartFile::open(&part, content.start).await.map_err(failed)?;
        self.staging.remember(&self.path, content.tag.as_deref()).map_err(failed)?;
        let n_bytes = match self.copy(content, &mut part, &self.tally).await? {
            Ok(n_bytes) => n_bytes,
            Err(broken) => return Ok(Err(broken)),
        };
        if self.artifact.size.is_some_and(|size| size != n_bytes) {
            self.staging.forget(&self.path).map_err(failed)?;
            return Err(self.has_wrong_size(n_bytes));
        }
        self.complete(part).await.map(Ok)
    }

    /// Copies what comes to its place; the answer is the byte behind it.
    async fn copy(&self, content: Content, part: &mut PartFile, tally: &FileTally) -> Attempt<u64> {
        let failed = |error| self.unwritten(error);
        let Content { start, end, size, mut chunks, .. } = content;
        let end = end.or(size);
        let mut at = start;
        tally.is_at(at);
        let outcome = loop {
            match chunks.next().await {
                Ok(Some(chunk)) => {
                    at += chunk.len() as u64;
                    // It would lie where something else is.
                    if end.is_some_and(|end| at > end) {
                        return Err(self.has_wrong_size(at));
                    }
                    part.write(chunk).await.map_err(failed)?;
                    tally.is_at(at);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What has come is kept for the next attempt.
        part.flush().await.map_err(failed)?;
        match outcome {
            Err(error) => broken_off(error),
            Ok(()) if end.is_some_and(|end| end != at) => {
                Ok(Err(BrokenOff::too_early(&self.artifact.path)))
            }
            Ok(()) => Ok(Ok(at)),
        }
    }

    /// The file is there.
    async fn complete(&self, mut part: PartFile) -> Result<(), Error> {
        part.sync().await.map_err(|error| self.unwritten(error))?;
        self.staging.complete(&self.path).map_err(|error| self.unwritten(error))
    }

    fn unwritten(&self, error: io::Error) -> Error {
        Error::io("write", &self.staging.part(&self.path), error)
    }

    fn has_wrong_size(&self, n_bytes: u64) -> Error {
        let target = format_args!("`{}`: {n_bytes} bytes", self.artifact.path);
        Error::new(ErrorKind::Malformed, "download", target)
    }
}

/// An error on the way that is not the store's is final.
fn broken_off<T>(error: Error) -> Attempt<T> {
    match error.kind() {
        ErrorKind::Unavailable => Ok(Err(BrokenOff(error))),
        _ => Err(error),
    }
}

async fn wait(retries: &Retries, attempts: u32, BrokenOff(error): BrokenOff) -> Result<(), Error> {
    match retries.wait(&Failure::Lost, Repeat::Safe, attempts, random::unit()) {
        Some(time) => {
            sleep(time).await;
            Ok(())
        }
        None => Err(error),
    }
}
