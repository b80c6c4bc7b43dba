use std::fmt::Debug;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::Artifact;
use crate::Error;

/// What errors call the three things that a store does.
pub(crate) const LIST: &str = "list the artifacts in";
pub(crate) const READ: &str = "read the artifact";
pub(crate) const WRITE: &str = "write the artifact";

pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Where files are kept. Paths are relative to the location that the store was opened for, with `/` between the parts;
/// the empty path is the location.
pub(crate) trait Store: Debug + Send + Sync {
    /// What is in a folder, not below it; nothing if it is not there, or a file.
    fn list<'a>(&'a self, folder: &'a str) -> Answer<'a, Vec<Artifact>>;

    /// The span of a file, or all of it where the store cannot do that or the span's tag is no longer the file's.
    fn read<'a>(&'a self, path: &'a str, span: Option<&'a Span>) -> Answer<'a, Content>;

    /// Makes `source` the file at `path`.
    fn write<'a>(&'a self, path: &'a str, source: &'a Path, sent: Sent) -> Answer<'a, ()>;

    /// What is known of the file at `path`, if it is there; a store overrides it where it says so for less than a listing.
    fn find<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Artifact>> {
        Box::pin(async move {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let listed = self.list(folder).await?;
            Ok(listed.into_iter().find(|artifact| artifact.path == path))
        })
    }

    /// Whether what was written is listed at once.
    fn lists_writes(&self) -> bool {
        true
    }
}

/// Told how many bytes of a file were sent, again from zero with each attempt.
pub(crate) type Sent = Arc<dyn Fn(u64) + Send + Sync>;

/// The bytes of a file that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    /// Behind the last one; none for all that follow.
    pub(crate) end: Option<u64>,
    /// What the store said that it would change with the file, if it was asked before.
    pub(crate) tag: Option<String>,
}

/// The content of a file, or some of it.
pub(crate) struct Content {
    /// The byte that it begins with.
    pub(crate) start: u64,
    /// Behind the byte that it ends with, if it is a span.
    pub(crate) end: Option<u64>,
    /// How many bytes the whole file has, if the store says so.
    pub(crate) size: Option<u64>,
    /// Changes when the file does.
    pub(crate) tag: Option<String>,
    pub(crate) chunks: Box<dyn Chunks>,
}

impl Content {
    /// Whether it is a span of a file of `size` bytes.
    pub(crate) fn is_of(&self, span: &Span, size: u64) -> bool {
        (self.start, self.end, self.size) == (span.start, span.end, Some(size))
    }
}

/// Bytes that come in pieces.
pub(crate) trait Chunks: Send {
    /// The next piece; `None` after the last.
    fn next(&mut self) -> Answer<'_, Option<Bytes>>;
}
