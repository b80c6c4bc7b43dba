use std::fmt;

use crate::Error;

/// How large a file and what stands in it may be.
///
/// The defaults are far above any model and far below what would harm the machine. Whatever the
/// limits are, reading takes at most 8 bytes of memory per byte of the file and 16 MiB more.
///
/// | limit | default |
/// |---|---|
/// | [`file_bytes`](Self::file_bytes) | 1 GiB |
/// | [`memory_bytes`](Self::memory_bytes) | 4 GiB |
/// | [`opcodes`](Self::opcodes) | 100 million |
/// | [`text_bytes`](Self::text_bytes) | 16 MiB |
/// | [`array_bytes`](Self::array_bytes) | 1 GiB |
/// | [`memo_entries`](Self::memo_entries) | 10 million |
/// | [`archive_entries`](Self::archive_entries) | 65,535 |
/// | [`archive_bytes`](Self::archive_bytes) | 4 GiB |
/// | [`depth`](Self::depth) | 100 |
/// | [`copied_bytes`](Self::copied_bytes) | 4 GiB |
///
/// # Examples
/// ```
/// use mlops_pyobject::{Error, Limit, Limits, read};
///
/// let limits = Limits::default().file_bytes(4);
/// let refused = read(b"\x80\x02]q\x00.", &limits).unwrap_err();
/// assert_eq!(refused, Error::LimitExceeded { limit: Limit::FileBytes, maximum: 4 });
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Limits {
    file_bytes: usize,
    memory_bytes: usize,
    opcodes: usize,
    text_bytes: usize,
    array_bytes: usize,
    memo_entries: usize,
    archive_entries: usize,
    archive_bytes: usize,
    depth: usize,
    copied_bytes: usize,
}

impl Limits {
    /// The size of the file.
    pub fn file_bytes(self, file_bytes: usize) -> Self {
        Self { file_bytes, ..self }
    }

    /// The memory that reading and the object graph take.
    pub fn memory_bytes(self, memory_bytes: usize) -> Self {
        Self { memory_bytes, ..self }
    }

    /// The number of opcodes of a pickle, or of values in the schema of a skops file.
    pub fn opcodes(self, opcodes: usize) -> Self {
        Self { opcodes, ..self }
    }

    /// The size of one text.
    pub fn text_bytes(self, text_bytes: usize) -> Self {
        Self { text_bytes, ..self }
    }

    /// The size of the data of one array or bytes object.
    pub fn array_bytes(self, array_bytes: usize) -> Self {
        Self { array_bytes, ..self }
    }

    /// The number of objects that a pickle remembers to refer to them later.
    pub fn memo_entries(self, memo_entries: usize) -> Self {
        Self { memo_entries, ..self }
    }

    /// The number of files in an archive.
    pub fn archive_entries(self, archive_entries: usize) -> Self {
        Self { archive_entries, ..self }
    }

    /// The size of all files that are read from an archive, decompressed.
    pub fn archive_bytes(self, archive_bytes: usize) -> Self {
        Self { archive_bytes, ..self }
    }

    /// The number of steps from the root to an object that is asked for.
    ///
    /// Objects may contain themselves, so this is what ends a walk over them.
    pub fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// What is copied out of the graph in all: items, arrays and texts. It is never more than 16
    /// times the memory of the graph and 64 MiB.
    ///
    /// A file may refer to one array a million times, and whoever reads it copies it each time.
    pub fn copied_bytes(self, copied_bytes: usize) -> Self {
        Self { copied_bytes, ..self }
    }

    /// Whether `value` is within the limit.
    pub(crate) fn check(&self, limit: Limit, value: usize) -> Result<(), Error> {
        let maximum = self.maximum(limit);
        if value <= maximum { Ok(()) } else { Err(Error::LimitExceeded { limit, maximum }) }
    }

    pub(crate) fn maximum(&self, limit: Limit) -> usize {
        match limit {
            Limit::FileBytes => self.file_bytes,
            Limit::MemoryBytes => self.memory_bytes,
            Limit::Opcodes => self.opcodes,
            Limit::TextBytes => self.text_bytes,
            Limit::ArrayBytes => self.array_bytes,
            Limit::MemoEntries => self.memo_entries,
            Limit::ArchiveEntries => self.archive_entries,
            Limit::ArchiveBytes => self.archive_bytes,
            Limit::Depth => self.depth,
            Limit::CopiedBytes => self.copied_bytes,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: GIBIBYTE,
            memory_bytes: GIBIBYTE.saturating_mul(4),
            opcodes: 100_000_000,
            text_bytes: 16 * MEBIBYTE,
            array_bytes: GIBIBYTE,
            memo_entries: 10_000_000,
            archive_entries: 65_535,
            archive_bytes: GIBIBYTE.saturating_mul(4),
            depth: 100,
            copied_bytes: GIBIBYTE.saturating_mul(4),
        }
    }
}

/// One of the [`Limits`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::file_bytes`]
    FileBytes,
    /// [`Limits::memory_bytes`], or 8 bytes per byte of the file and 16 MiB if that is less.
    MemoryBytes,
    /// [`Limits::opcodes`]
    Opcodes,
    /// [`Limits::text_bytes`]
    TextBytes,
    /// [`Limits::array_bytes`]
    ArrayBytes,
    /// [`Limits::memo_entries`]
    MemoEntries,
    /// [`Limits::archive_entries`]
    ArchiveEntries,
    /// [`Limits::archive_bytes`]
    ArchiveBytes,
    /// [`Limits::depth`]
    Depth,
    /// [`Limits::copied_bytes`], or 16 times the memory of the graph and 64 MiB if that is less.
    CopiedBytes,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FileBytes => "file size",
            Self::MemoryBytes => "memory in bytes",
            Self::Opcodes => "number of opcodes",
            Self::TextBytes => "size of a text",
            Self::ArrayBytes => "size of an array",
            Self::MemoEntries => "number of memoised objects",
            Self::ArchiveEntries => "number of files in the archive",
            Self::ArchiveBytes => "decompressed size of the archive",
            Self::Depth => "depth of nesting",
            Self::CopiedBytes => "bytes copied out",
        })
    }
}

const MEBIBYTE: usize = 1 << 20;
const GIBIBYTE: usize = 1 << 30;
