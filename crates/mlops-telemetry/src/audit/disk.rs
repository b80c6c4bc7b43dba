//! What the audit log asks of a disk; the tests have one that fails.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

pub(super) trait Disk: Send {
    /// Makes a file that was not there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
}

/// A file that grows at its end.
pub(super) trait SegmentFile: Send {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    fn sync_data(&mut self) -> io::Result<()>;

    fn set_len(&mut self, length: u64) -> io::Result<()>;
}

pub(super) struct FileSystem;

impl Disk for FileSystem {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(File::options().append(true).create_new(true).open(path)?))
    }
}

impl SegmentFile for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(self, bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        Self::set_len(self, length)
    }
}
