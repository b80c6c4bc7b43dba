use std::path::Path;
use std::sync::Arc;

use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::checksums::Checksums;
use super::staging::Staging;
use super::store::{Content, Store};
use super::transfer::{FileTally, Tally, Transfer};
use super::{Artifact, ArtifactRepository, blocking, join};
use crate::client::retries::{Failure, Repeat, Retries};
use crate::{Error, ErrorKind, random};

/// The content of one file.
pub(super) async fn read(repository: &ArtifactRepository, path: &str) -> Result<Vec<u8>, Error> {
    let retries = &repository.client.transport.retries;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let broken = match read_once(&*repository.store, path).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => error,
            outcome => return outcome,
        };
        wait(retries, attempts, broken).await?;
    }
}

async fn read_once(store: &dyn Store, path: &str) -> Result<Vec<u8>, Error> {
    let mut content = store.read(path, None).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = content.chunks.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    if content.size.is_some_and(|size| size != bytes.len() as u64) {
        return Err(short(path));
    }
    Ok(bytes)
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
    let (at, from) = (destination.to_owned(), source.clone());
    let staging = blocking("prepare the download", move || Staging::open(&at, &from)).await?;
    let staging = Arc::new(staging);
    let bytes = files.iter().filter_map(|file| file.size).sum();
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
            tally: tally.file(),
            artifact,
        };
        let permits = Arc::clone(&permits);
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            file.run().await
        });
    }
    // Dropped, the set ends what is still under way.
    while let Some(outcome) = tasks.join_next().await {
        outcome.map_err(|error| {
            Error::new(ErrorKind::Io, "download", format_args!("`{source}`")).with_source(error)
        })??;
    }
    blocking("put the download in place", move || {
        let staging = Arc::into_inner(staging);
        let Some(staging) = staging else { return Ok(()) };
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
    tally: FileTally,
}

impl Download {
    async fn run(self) -> Result<(), Error> {
        if self.staging.has(&self.path, self.artifact.size) {
            self.tally.is_at(self.artifact.size.unwrap_or(0));
            self.tally.is_done();
            return Ok(());
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let broken = match self.attempt().await {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::Unavailable => error,
                Err(error) => return Err(error),
            };
            wait(&self.retries, attempts, broken).await?;
        }
        self.tally.is_done();
        Ok(())
    }

    /// Goes on where the last attempt ended, if the store says that the file is still the same.
    async fn attempt(&self) -> Result<(), Error> {
        let mark = self.staging.mark(&self.path);
        let content = self.store.read(&self.artifact.path, mark.as_ref()).await?;
        let part = self.staging.part(&self.path);
        let failed = |error| Error::io("write", &part, error);
        self.staging.begin(&self.path, content.tag.as_deref()).map_err(failed)?;
        let mut options = File::options();
        let mut file = options.create(true).write(true).truncate(false).open(&part).await;
        if let Ok(file) = &mut file {
            // What lies behind is of another attempt.
            file.set_len(content.start).await.map_err(failed)?;
            tokio::io::AsyncSeekExt::seek(file, std::io::SeekFrom::End(0)).await.map_err(failed)?;
        }
        let mut file = file.map_err(failed)?;
        let n_bytes = self.copy(content, &mut file, &part).await?;
        if self.artifact.size.is_some_and(|size| size != n_bytes) {
            self.staging.forget(&self.path).map_err(failed)?;
            let target = format_args!("`{}`: {n_bytes} bytes", self.artifact.path);
            return Err(Error::new(ErrorKind::Malformed, "download", target));
        }
        file.sync_all().await.map_err(failed)?;
        self.staging.complete(&self.path).map_err(failed)
    }

    async fn copy(&self, content: Content, file: &mut File, part: &Path) -> Result<u64, Error> {
        let failed = |error| Error::io("write", part, error);
        let Content { start, size, mut chunks, .. } = content;
        let mut n_bytes = start;
        self.tally.is_at(n_bytes);
        let outcome = loop {
            match chunks.next().await {
                Ok(Some(chunk)) => {
                    file.write_all(&chunk).await.map_err(failed)?;
                    n_bytes += chunk.len() as u64;
                    self.tally.is_at(n_bytes);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What has come is kept for the next attempt.
        file.flush().await.map_err(failed)?;
        outcome?;
        match size {
            Some(size) if size != n_bytes => Err(short(&self.artifact.path)),
            _ => Ok(n_bytes),
        }
    }
}

/// The store closed before the end.
fn short(path: &str) -> Error {
    let target = format_args!("`{path}`: it ended too early");
    Error::new(ErrorKind::Unavailable, "download", target)
}

async fn wait(retries: &Retries, attempts: u32, error: Error) -> Result<(), Error> {
    match retries.wait(&Failure::Lost, Repeat::Safe, attempts, random::unit()) {
        Some(time) => {
            sleep(time).await;
            Ok(())
        }
        None => Err(error),
    }
}
