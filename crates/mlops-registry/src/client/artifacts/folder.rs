use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mlops_core::durable;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::store::{Answer, Chunks, Content, Sent, Span, Store, WRITE};
use super::{Artifact, join};
use crate::Error;

/// Artifacts in a directory of this machine.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// So much is read at once.
const CHUNK: usize = 256 * 1024;

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

impl Store for Folder {
    fn list<'a>(&'a self, folder: &'a str) -> Answer<'a, Vec<Artifact>> {
        Box::pin(async move {
            let directory = self.path(folder);
            let failed = |error| Error::io("list", &directory, error);
            let mut entries = match fs::read_dir(&directory).await {
                Ok(entries) => entries,
                Err(error) if is_nothing(&error) => return Ok(Vec::new()),
                Err(error) => return Err(failed(error)),
            };
            let mut artifacts = Vec::new();
            while let Some(entry) = entries.next_entry().await.map_err(failed)? {
                let name = entry.file_name();
                let name = name.to_str().ok_or_else(|| Error::malformed(&entry.path()))?;
                // Neither what is being written nor links that lead nowhere, pipes and the like.
                let metadata = fs::metadata(entry.path()).await.ok();
                let metadata = metadata.filter(|it| it.is_file() || it.is_dir());
                let Some(metadata) = metadata.filter(|_| !durable::is_temporary(name)) else {
                    continue;
                };
                artifacts.push(Artifact {
                    path: join(folder, name),
                    size: metadata.is_file().then_some(metadata.len()),
                    is_folder: metadata.is_dir(),
                    tag: None,
                });
            }
            Ok(artifacts)
        })
    }

    fn read<'a>(&'a self, path: &'a str, span: Option<&'a Span>) -> Answer<'a, Content> {
        Box::pin(async move {
            let path = self.path(path);
            let failed = |error| Error::io("read", &path, error);
            let mut file = File::open(&path).await.map_err(failed)?;
            let metadata = file.metadata().await.map_err(failed)?;
            let tag = version(&metadata);
            let same = span.filter(|span| tag.is_some() && tag == span.tag);
            // To the end: a local file is not worth several readers.
            let start = same.map_or(0, |span| span.start);
            file.seek(SeekFrom::Start(start)).await.map_err(failed)?;
            let size = Some(metadata.len());
            Ok(Content { start, end: None, size, tag, chunks: Box::new(Reader { file, path }) })
        })
    }

    fn write<'a>(&'a self, path: &'a str, source: &'a Path, sent: Sent) -> Answer<'a, ()> {
        Box::pin(async move {
            let path = self.path(path);
            let source = source.to_owned();
            let copy = move || {
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent)
                        .map_err(|error| Error::io("create", parent, error))?;
                }
                let n_bytes = durable::copy(&source, &path);
                sent(n_bytes.map_err(|error| Error::io("write", &path, error))?);
                Ok(())
            };
            super::blocking(WRITE, copy).await
        })
    }
}

struct Reader {
    file: File,
    path: PathBuf,
}

impl Chunks for Reader {
    fn next(&mut self) -> Answer<'_, Option<Bytes>> {
        Box::pin(async move {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = self.file.read_buf(&mut chunk).await;
            let n_bytes = read.map_err(|error| Error::io("read", &self.path, error))?;
            Ok((n_bytes > 0).then(|| Bytes::from(chunk)))
        })
    }
}

/// There is no such folder, or it is a file.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn version(metadata: &std::fs::Metadata) -> Option<String> {
    let modified = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{}-{}", modified.as_nanos(), metadata.len()))
}
