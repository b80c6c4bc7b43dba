use std::fmt;
use std::future::poll_fn;
use std::path::Path as FilePath;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart,
};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;

use super::bucket::Bucket;
use super::cloud::status_of;
use super::store::{Answer, Chunks, Content, LIST, READ, Sent, Span, Store, WRITE};
use super::{Artifact, join};
use crate::{Error, ErrorKind};

/// Artifacts in a bucket of S3 or a container of Azure.
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    place: Place,
    /// Below the bucket or container; empty for all of it.
    root: String,
}

/// What a bucket is called in errors.
#[derive(Clone, Debug)]
struct Place(Arc<str>);

/// Files that are larger are sent in parts of this size; S3 takes 10,000 of them.
const PART: usize = 8 << 20;
/// The largest number of parts.
const MAX_PARTS: u64 = 10_000;
/// So many parts of a file are under way at once.
const PARALLEL: usize = 4;

impl Place {
    fn failed(&self, operation: &'static str, path: &str, error: StoreError) -> Error {
        let kind = match (&error, status_of(&error)) {
            (_, Some(401)) | (StoreError::Unauthenticated { .. }, _) => ErrorKind::Unauthorized,
            (_, Some(403)) | (StoreError::PermissionDenied { .. }, _) => ErrorKind::Forbidden,
            (_, Some(404)) | (StoreError::NotFound { .. }, _) => ErrorKind::NotFound,
            (_, Some(_)) => ErrorKind::Refused,
            (StoreError::InvalidPath { .. }, _) if operation == LIST => ErrorKind::Malformed,
            (StoreError::InvalidPath { .. }, _) => ErrorKind::InvalidName,
            (StoreError::NotSupported { .. } | StoreError::NotImplemented { .. }, _) => {
                ErrorKind::Unsupported
            }
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, operation, format_args!("`{path}` of `{}`", self.0)).with_source(error)
    }
}

/// Without the store, which shows credentials.
impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, root, .. } = self;
        f.debug_struct("Objects").field("place", place).field("root", root).finish_non_exhaustive()
    }
}

impl Objects {
    /// Artifacts in the bucket that `store` reaches.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, bucket: &Bucket) -> Self {
        let place = Place(bucket.to_string().into());
        Self { store, place, root: bucket.path().to_owned() }
    }

    /// The key of a file or folder.
    fn key(&self, operation: &'static str, path: &str) -> Result<Path, Error> {
        let key = Path::parse(join(&self.root, path));
        key.map_err(|error| self.place.failed(operation, path, error.into()))
    }

    /// Whether a file is the one of the span and has it.
    async fn has(&self, key: &Path, span: &Span) -> object_store::Result<bool> {
        let found = self.store.head(key).await?;
        let is_same = span.tag.is_none() || found.e_tag == span.tag;
        Ok(is_same && span.start < found.size && span.end.is_none_or(|end| end <= found.size))
    }

    /// Sends a large file in parts, which appear together or not at all.
    async fn send_parts(
        &self,
        key: &Path,
        path: &str,
        source: &FilePath,
        size: u64,
        sent: &Sent,
    ) -> Result<(), Error> {
        let failed = |error| self.place.failed(WRITE, path, error);
        let part = PART.max(usize::try_from(size.div_ceil(MAX_PARTS)).unwrap_or(usize::MAX));
        let upload = self.store.put_multipart(key).await.map_err(failed)?;
        let mut upload = Upload(Some(WriteMultipart::new_with_chunk_size(upload, part)));
        let outcome = async {
            let Some(parts) = &mut upload.0 else { return Ok(()) };
            let unread = |error| Error::io("read", source, error);
            let mut file = File::open(source).await.map_err(unread)?;
            let mut n_bytes = 0;
            while n_bytes < size {
                parts.wait_for_capacity(PARALLEL).await.map_err(failed)?;
                let bytes = read_up_to(&mut file, part).await.map_err(unread)?;
                if bytes.is_empty() {
                    return Err(unread(std::io::ErrorKind::UnexpectedEof.into()));
                }
                n_bytes += bytes.len() as u64;
                parts.put(bytes);
                sent(n_bytes);
            }
            Ok(())
        };
        outcome.await?;
        match upload.0.take() {
            Some(parts) => parts.finish().await.map(drop).map_err(failed),
            None => Ok(()),
        }
    }
}

/// An upload that is given up when it is not finished, so that nobody pays for its parts.
struct Upload(Option<WriteMultipart>);

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(parts), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            // Whether they could be removed does not change what went wrong.
            runtime.spawn(parts.abort());
        }
    }
}

async fn read_up_to(file: &mut File, n_bytes: usize) -> std::io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(n_bytes);
    file.take(n_bytes as u64).read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}

impl Store for Objects {
    fn list<'a>(&'a self, folder: &'a str) -> Answer<'a, Vec<Artifact>> {
        Box::pin(async move {
            let key = self.key(LIST, folder)?;
            let listing = self.store.list_with_delimiter(Some(&key)).await;
            let listing = listing.map_err(|error| self.place.failed(LIST, folder, error))?;
            let name = |location: &Path| {
                // The folder itself may be an object, too.
                let name = location.as_ref().strip_prefix(key.as_ref())?;
                let name = name.trim_start_matches('/');
                (!name.is_empty()).then(|| join(folder, name))
            };
            let files = listing.objects.iter().filter_map(|object| {
                let (path, tag) = (name(&object.location)?, object.e_tag.clone());
                Some(Artifact { path, size: Some(object.size), is_folder: false, tag })
            });
            let folders = listing.common_prefixes.iter().filter_map(|prefix| {
                Some(Artifact { path: name(prefix)?, size: None, is_folder: true, tag: None })
            });
            Ok(files.chain(folders).collect())
        })
    }

    fn read<'a>(&'a self, path: &'a str, span: Option<&'a Span>) -> Answer<'a, Content> {
        Box::pin(async move {
            let key = self.key(READ, path)?;
            let failed = |error| self.place.failed(READ, path, error);
            let mut options = GetOptions::default();
            if let Some(span) = span
                && self.has(&key, span).await.map_err(failed)?
            {
                let offset = GetRange::Offset(span.start);
                options.range =
                    Some(span.end.map_or(offset, |end| GetRange::Bounded(span.start..end)));
                options.if_match.clone_from(&span.tag);
            }
            let is_span = options.range.is_some();
            let found = match self.store.get_opts(&key, options).await {
                // Another one has come in between, or the store does not know how.
                Err(StoreError::Precondition { .. } | StoreError::Generic { .. }) if is_span => {
                    return self.read(path, None).await;
                }
                found => found.map_err(failed)?,
            };
            Ok(Content {
                start: found.range.start,
                end: is_span.then_some(found.range.end),
                size: Some(found.meta.size),
                tag: found.meta.e_tag.clone(),
                chunks: Box::new(Body {
                    chunks: found.into_stream(),
                    place: self.place.clone(),
                    path: path.to_owned(),
                }),
            })
        })
    }

    fn write<'a>(&'a self, path: &'a str, source: &'a FilePath, sent: Sent) -> Answer<'a, ()> {
        Box::pin(async move {
            let key = self.key(WRITE, path)?;
            let unread = |error| Error::io("read", source, error);
            let size = tokio::fs::metadata(source).await.map_err(unread)?.len();
            if size > PART as u64 {
                return self.send_parts(&key, path, source, size, &sent).await;
            }
            let bytes = tokio::fs::read(source).await.map_err(unread)?;
            let put = self.store.put(&key, bytes.into()).await;
            put.map_err(|error| self.place.failed(WRITE, path, error))?;
            sent(size);
            Ok(())
        })
    }
}

/// The content of an object.
struct Body {
    chunks: Pin<Box<dyn Stream<Item = object_store::Result<Bytes>> + Send>>,
    place: Place,
    path: String,
}

impl Chunks for Body {
    fn next(&mut self) -> Answer<'_, Option<Bytes>> {
        Box::pin(async {
            let chunk = poll_fn(|context| self.chunks.as_mut().poll_next(context)).await;
            chunk.transpose().map_err(|error| self.place.failed(READ, &self.path, error))
        })
    }
}

#[cfg(test)]
mod tests;
