use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlops_core::durable::{self, FileLock};

use super::store::Mark;
use crate::{Error, ErrorKind};

/// Where files are put together beside the place that they appear at; what an attempt left is found by the next.
///
/// ```text
/// .NAME.partial/source    where the files come from
/// .NAME.partial/files/    those that are whole
/// .NAME.partial/parts/    the beginnings of others
/// .NAME.partial/tags/     what the store said would change with them
/// ```
#[derive(Debug)]
pub(super) struct Staging {
    root: PathBuf,
    destination: PathBuf,
    _lock: FileLock,
}

const LOCK: &str = "lock";
const SOURCE: &str = "source";
const FILES: &str = "files";
const PARTS: &str = "parts";
const TAGS: &str = "tags";

impl Staging {
    /// Waits until nobody else downloads to `destination`.
    ///
    /// # Errors
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if there is something at the destination
    /// * [`Io`](ErrorKind::Io) if it cannot be written beside it
    pub(super) fn open(destination: &Path, source: &str) -> Result<Self, Error> {
        let name = destination.file_name().and_then(|name| name.to_str());
        let Some(name) = name else {
            let target = format_args!("`{}`", destination.display());
            return Err(Error::new(ErrorKind::InvalidName, "download to", target));
        };
        let root = destination.with_file_name(format!(".{name}.partial"));
        let failed = |error| Error::io("prepare the download in", &root, error);
        fs::create_dir_all(&root).map_err(failed)?;
        let lock = FileLock::acquire(&root.join(LOCK)).map_err(failed)?;
        let staging = Self { root: root.clone(), destination: destination.to_owned(), _lock: lock };
        if fs::read_dir(destination).is_ok_and(|mut entries| entries.next().is_some())
            || destination.is_file()
        {
            staging.clear()?;
            let target = format_args!("`{}`", destination.display());
            return Err(Error::new(ErrorKind::AlreadyExists, "download to", target));
        }
        let recorded = root.join(SOURCE);
        if fs::read_to_string(&recorded).is_ok_and(|of| of == source) {
            return Ok(staging);
        }
        for folder in [FILES, PARTS, TAGS] {
            remove(&root.join(folder)).map_err(failed)?;
        }
        fs::create_dir_all(root.join(FILES)).map_err(failed)?;
        durable::write(&recorded, source.as_bytes()).map_err(failed)?;
        Ok(staging)
    }

    /// Whether a file of that size is whole already.
    pub(super) fn has(&self, path: &str, size: Option<u64>) -> bool {
        let metadata = fs::metadata(self.file(path));
        size.is_some() && metadata.ok().map(|metadata| metadata.len()) == size
    }

    /// Where the file goes when it is whole.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.root.join(FILES).join(path)
    }

    /// Where its beginning is.
    pub(super) fn part(&self, path: &str) -> PathBuf {
        self.root.join(PARTS).join(path)
    }

    /// How far an earlier attempt came, if the store can say whether the file is still the same.
    pub(super) fn mark(&self, path: &str) -> Option<Mark> {
        let start = fs::metadata(self.part(path)).ok()?.len();
        let tag = fs::read_to_string(self.root.join(TAGS).join(path)).ok()?;
        (start > 0).then_some(Mark { start, tag })
    }

    /// Remembers what the store said of a file whose beginning is about to be written.
    pub(super) fn begin(&self, path: &str, tag: Option<&str>) -> io::Result<()> {
        for folder in [FILES, PARTS, TAGS] {
            if let Some(parent) = self.root.join(folder).join(path).parent() {
                fs::create_dir_all(parent)?;
            }
        }
        let of_file = self.root.join(TAGS).join(path);
        match tag {
            Some(tag) => fs::write(of_file, tag),
            None => remove(&of_file),
        }
    }

    /// The file is whole, and on the device.
    pub(super) fn complete(&self, path: &str) -> io::Result<()> {
        fs::rename(self.part(path), self.file(path))
    }

    /// Forgets what is there of a file.
    pub(super) fn forget(&self, path: &str) -> io::Result<()> {
        remove(&self.part(path))?;
        remove(&self.file(path))
    }

    /// All files appear at the destination at once.
    pub(super) fn publish(&self) -> Result<(), Error> {
        let files = self.root.join(FILES);
        durable::move_dir(&files, &self.destination)
            .map_err(|error| Error::io("put in place", &self.destination, error))?;
        self.clear()
    }

    fn clear(&self) -> Result<(), Error> {
        remove(&self.root).map_err(|error| Error::io("remove", &self.root, error))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    let outcome = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
