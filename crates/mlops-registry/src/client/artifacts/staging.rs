use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlops_core::durable::{self, FileLock};

use super::checksums::Checksums;
use super::ledger::Ledger;
use super::store::Span;
use crate::{Error, ErrorKind, random};

/// Where files are put together beside the place that they appear at; what an attempt left is found by the next.
///
/// ```text
/// .NAME.partial/source    where the files come from
/// .NAME.partial/files/    those that are whole
/// .NAME.partial/parts/    the beginnings of others
/// .NAME.partial/tags/     what the store said would change with them
/// .NAME.partial/ledgers/  which segments of the larger ones are there
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
const LEDGERS: &str = "ledgers";

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
        let lock = Self::lock(&root).map_err(failed)?;
        let staging = Self { root: root.clone(), destination: destination.to_owned(), _lock: lock };
        if fs::read_dir(destination).is_ok_and(|mut entries| entries.next().is_some())
            || destination.is_file()
        {
            staging.clear()?;
            return Err(taken(destination));
        }
        let recorded = root.join(SOURCE);
        // What was written before the machine started may not have reached the device.
        let source = format!("{}\n{source}", boot());
        if fs::read_to_string(&recorded).is_ok_and(|of| of == source) {
            return Ok(staging);
        }
        for path in [SOURCE, FILES, PARTS, TAGS, LEDGERS] {
            remove(&root.join(path)).map_err(failed)?;
        }
        fs::create_dir_all(root.join(FILES)).map_err(failed)?;
        // Half of it is another one, and after the machine has stopped it is, too.
        fs::write(&recorded, source).map_err(failed)?;
        Ok(staging)
    }

    fn lock(root: &Path) -> io::Result<FileLock> {
        let path = root.join(LOCK);
        loop {
            fs::create_dir_all(root)?;
            let lock = FileLock::acquire(&path)?;
            // Who held it before has removed the directory when all was in place.
            if lock.is_of(&path)? {
                return Ok(lock);
            }
        }
    }

    /// Whether a file of that size is whole already. The list of checksums has the same size whatever it says.
    pub(super) fn has(&self, path: &str, size: Option<u64>) -> bool {
        if path == Checksums::FILE {
            return false;
        }
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

    /// How far an earlier attempt came, if the store can say whether the file is still the same, and there is more of it.
    pub(super) fn rest(&self, path: &str, size: Option<u64>) -> Option<Span> {
        let start = fs::metadata(self.part(path)).ok()?.len();
        let tag = fs::read_to_string(self.tag(path)).ok()?;
        (start > 0 && size.is_none_or(|size| start < size)).then_some(Span {
            start,
            end: None,
            tag: Some(tag),
        })
    }

    /// Makes room for a file, and forgets what is known of its beginning until that is cut to where it goes on.
    pub(super) fn begin(&self, path: &str) -> io::Result<()> {
        for folder in [FILES, PARTS, TAGS, LEDGERS] {
            if let Some(parent) = self.root.join(folder).join(path).parent() {
                fs::create_dir_all(parent)?;
            }
        }
        self.ledger(path).remove()?;
        remove(&self.tag(path))
    }

    /// Which segments are there of a file that comes in several.
    pub(super) fn ledger(&self, path: &str) -> Ledger {
        Ledger::at(self.root.join(LEDGERS).join(path))
    }

    /// Remembers what the store said of the file whose beginning is there.
    pub(super) fn remember(&self, path: &str, tag: Option<&str>) -> io::Result<()> {
        tag.map_or(Ok(()), |tag| fs::write(self.tag(path), tag))
    }

    fn tag(&self, path: &str) -> PathBuf {
        self.root.join(TAGS).join(path)
    }

    /// The file is whole, and on the device.
    pub(super) fn complete(&self, path: &str) -> io::Result<()> {
        fs::rename(self.part(path), self.file(path))
    }

    /// Forgets what is there of a file.
    pub(super) fn forget(&self, path: &str) -> io::Result<()> {
        self.ledger(path).remove()?;
        remove(&self.tag(path))?;
        remove(&self.part(path))?;
        remove(&self.file(path))
    }

    /// All files appear at the destination at once.
    pub(super) fn publish(&self) -> Result<(), Error> {
        let files = self.root.join(FILES);
        durable::move_dir(&files, &self.destination).map_err(|error| match error {
            error if is_taken(&error) => taken(&self.destination),
            error => Error::io("put in place", &self.destination, error),
        })?;
        self.clear()
    }

    fn clear(&self) -> Result<(), Error> {
        remove(&self.root).map_err(|error| Error::io("remove", &self.root, error))
    }
}

fn is_taken(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory)
}

fn taken(destination: &Path) -> Error {
    let target = format_args!("`{}`", destination.display());
    Error::new(ErrorKind::AlreadyExists, "download to", target)
}

/// Another text each time that the machine starts; each time, where nothing says so.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map_or_else(|_| random::hexadecimal_id(), |id| id.trim().to_owned())
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    let outcome = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
