use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::store::Sent;
use super::transfer::{Tally, Transfer};
use super::{ArtifactRepository, MAX_DEPTH, blocking, gave_no_answer, join};
use crate::{ArtifactPath, Error, ErrorKind};

/// What makes a folder a model.
pub(crate) const DESCRIPTION: &str = "MLmodel";

/// A file of this machine and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    file: PathBuf,
    /// In the repository.
    path: String,
    size: u64,
}

impl Source {
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such file
    /// * [`InvalidName`](ErrorKind::InvalidName) if it is no file, or MLflow does not take its path
    pub(crate) fn new(file: PathBuf, path: String) -> Result<Self, Error> {
        let metadata = fs::metadata(&file).map_err(|error| Error::io("read", &file, error))?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::InvalidName, "upload", file.display()));
        }
        let checked: Result<ArtifactPath, _> = path.parse();
        checked.map_err(|error| Error::name("upload", &path, error))?;
        Ok(Self { file, path, size: metadata.len() })
    }
}

/// All files of a folder, or one file.
pub(super) async fn upload(
    repository: &ArtifactRepository,
    source: &Path,
    path: &str,
    transfer: &Transfer,
) -> Result<(), Error> {
    let (from, to) = (source.to_owned(), path.to_owned());
    let sources = blocking("read the files", move || collect(&from, &to)).await?;
    upload_files(repository, &sources, path, transfer).await
}

/// Files that all go below `path`, or are the one that goes there.
pub(crate) async fn upload_files(
    repository: &ArtifactRepository,
    sources: &[Source],
    path: &str,
    transfer: &Transfer,
) -> Result<(), Error> {
    let bytes = sources.iter().map(|source| source.size).sum();
    let tally = Tally::new(transfer, sources.len(), bytes);
    let description = join(path, DESCRIPTION);
    let (last, first): (Vec<_>, Vec<_>) =
        sources.iter().cloned().partition(|source| source.path == description);
    for sources in [first, last] {
        send(repository, sources, transfer, &tally).await?;
    }
    if repository.store.lists_writes() {
        verify(repository, sources).await?;
    }
    Ok(())
}

async fn send(
    repository: &ArtifactRepository,
    sources: Vec<Source>,
    transfer: &Transfer,
    tally: &Tally,
) -> Result<(), Error> {
    let permits = Arc::new(Semaphore::new(transfer.parallel));
    let mut tasks = JoinSet::new();
    for Source { file, path, .. } in sources {
        let (store, permits) = (Arc::clone(&repository.store), Arc::clone(&permits));
        let tally = tally.file();
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let told = tally.clone();
            let sent: Sent = Arc::new(move |bytes| told.is_at(bytes));
            store.write(&path, &file, sent).await?;
            tally.is_done();
            Ok::<_, Error>(())
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        let target = format_args!("`{}`", repository.uri);
        outcome.map_err(|error| gave_no_answer("upload to", target, error))??;
    }
    Ok(())
}

/// Looks whether the repository has what it was sent.
async fn verify(repository: &ArtifactRepository, sources: &[Source]) -> Result<(), Error> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Source { path, .. } in sources {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(path);
    }
    let mut sizes = BTreeMap::new();
    for (folder, files) in folders {
        let found = match files.as_slice() {
            [file] => repository.store.find(file).await?.into_iter().collect(),
            _ => repository.store.list(folder).await?,
        };
        sizes.extend(found.into_iter().map(|artifact| (artifact.path, artifact.size)));
    }
    for Source { path, size, .. } in sources {
        // A store that does not say how large a file is has it at least.
        let arrived = sizes.get(path).is_some_and(|found| found.is_none_or(|found| found == *size));
        if !arrived {
            let target = format_args!("`{path}`: another size arrived");
            return Err(Error::new(ErrorKind::Malformed, "upload", target));
        }
    }
    Ok(())
}

/// The files at `root`, which may be one.
fn collect(root: &Path, path: &str) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    let mut pending = vec![(root.to_owned(), path.to_owned(), 0)];
    while let Some((file, path, depth)) = pending.pop() {
        let failed = |error| Error::io("read", &file, error);
        let metadata = fs::metadata(&file).map_err(failed)?;
        if !metadata.is_dir() {
            sources.push(Source::new(file, path)?);
            continue;
        }
        if depth == MAX_DEPTH {
            return Err(Error::new(ErrorKind::InvalidName, "upload", file.display()));
        }
        for entry in fs::read_dir(&file).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            let name = entry.file_name().and_then(|name| name.to_str());
            let unnamed = || Error::new(ErrorKind::InvalidName, "upload", entry.display());
            let name = name.ok_or_else(unnamed)?;
            pending.push((entry.clone(), join(&path, name), depth + 1));
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}
