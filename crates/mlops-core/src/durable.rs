//! Writing that a crash leaves old or new, never half done.
//!
//! A file or directory is written under a temporary name on the same file system, flushed to the device and renamed
//! into place.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes `bytes` to `path`, whole or not at all.
///
/// # Errors
/// What the operating system answers; the old content of `path` is then still there.
///
/// # Examples
/// ```
/// let dir = std::env::temp_dir().join(format!("durable-{}", std::process::id()));
/// std::fs::create_dir_all(&dir)?;
/// mlops_core::durable::write(&dir.join("state.json"), b"{}")?;
/// assert_eq!(std::fs::read(dir.join("state.json"))?, b"{}");
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_through(parent(path), path, bytes)
}

/// Writes `bytes` to `path` through a temporary file in `directory`, for folders whose readers mind foreign files.
///
/// # Errors
/// What the operating system answers; the old content of `path` is then still there.
pub fn write_through(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_all_through(directory, [(path, bytes)])
}

/// Writes several files as [`write_through`] does, each whole or not at all, with one flush of each directory.
///
/// # Errors
/// What the operating system answers; the files before the one that failed are written.
pub fn write_all_through<'a>(
    directory: &Path,
    files: impl IntoIterator<Item = (&'a Path, &'a [u8])>,
) -> io::Result<()> {
    let mut parents = BTreeSet::new();
    for (path, bytes) in files {
        let temporary = directory.join(temporary_name());
        let outcome = write_flushed(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
        if outcome.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(&temporary);
        }
        outcome?;
        parents.insert(parent(path));
    }
    parents.into_iter().try_for_each(flush_directory)
}

/// Copies the file `source` to `path`, whole or not at all.
///
/// # Errors
/// What the operating system answers; the old content of `path` is then still there.
pub fn copy(source: &Path, path: &Path) -> io::Result<u64> {
    let temporary = parent(path).join(temporary_name());
    let outcome = fs::copy(source, &temporary).and_then(|n_bytes| {
        File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, path)?;
        Ok(n_bytes)
    });
    if outcome.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    outcome.and_then(|n_bytes| flush_directory(parent(path)).map(|()| n_bytes))
}

/// Makes the directory `path` with the content that `fill` writes into it, whole or not at all; `fill` need not flush it.
///
/// # Errors
/// What `fill` or the operating system answers, among them that `path` is there already and not empty; nothing is left
/// behind then.
pub fn create_dir<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    create_dir_through(parent(path), path, fill)
}

/// Makes the directory `path` as [`create_dir`] does, through a temporary directory in `directory`, for folders whose
/// readers mind foreign directories.
///
/// # Errors
/// As [`create_dir`].
pub fn create_dir_through<E: From<io::Error>>(
    directory: &Path,
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let temporary = directory.join(temporary_name());
    fs::create_dir_all(&temporary)?;
    let outcome = fill(&temporary).and_then(|()| Ok(move_dir(&temporary, path)?));
    if outcome.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&temporary);
    }
    outcome
}

/// Moves the directory `from`, once all of it is on the device, to `path` on the same file system.
///
/// # Errors
/// What the operating system answers, among them that `path` is there already and not empty.
pub fn move_dir(from: &Path, path: &Path) -> io::Result<()> {
    flush_tree(from)?;
    fs::rename(from, path)?;
    flush_directory(parent(path))
}

/// Removes the directory `path`, whole or not at all, through a temporary directory in `directory`, which must be on the
/// same file system.
///
/// # Errors
/// What the operating system answers; `path` is gone all the same if only its content could not be cleared away.
pub fn remove_dir_through(directory: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let temporary = directory.join(temporary_name());
    fs::rename(path, &temporary)?;
    flush_directory(parent(path))?;
    fs::remove_dir_all(&temporary)
}

/// Flushes the entries of a directory; on systems without such a thing, renaming is durable on its own.
///
/// # Errors
/// What the operating system answers.
pub fn flush_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// A lock between processes, held until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Waits for the lock that the file at `path` stands for; the file is made if it is not there, and it stays.
    ///
    /// # Errors
    /// What the operating system answers.
    pub fn acquire(path: &Path) -> io::Result<Self> {
        let file = Self::open(path)?;
        file.lock()?;
        Ok(Self { file })
    }

    /// Takes the lock that the file at `path` stands for; `None` if someone else holds it.
    ///
    /// # Errors
    /// What the operating system answers.
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether the lock is still that of the file at `path`: whoever held it before may have removed the file.
    ///
    /// # Errors
    /// What the operating system answers.
    pub fn is_of(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(there) => Ok(is_same(&self.file.metadata()?, &there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn open(path: &Path) -> io::Result<File> {
        File::options().create(true).append(true).open(path)
    }
}

#[cfg(unix)]
fn is_same(left: &fs::Metadata, right: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

/// Where a file that is locked cannot be removed.
#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

/// Whether `name` is that of a temporary file or directory of this module, which a crash may have left behind.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY_PREFIX)
}

const TEMPORARY_PREFIX: &str = ".tmp-";

fn temporary_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{TEMPORARY_PREFIX}{}-{count}", std::process::id())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn write_flushed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn flush_tree(root: &Path) -> io::Result<()> {
    let mut pending = vec![PathBuf::from(root)];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                File::open(&path)?.sync_all()?;
            }
        }
        flush_directory(&directory)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["state"]);
    }

    #[test]
    fn a_failed_write_keeps_the_old_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"new").is_err());
        assert_eq!(names(dir.path()), ["folder"]);
    }

    #[test]
    fn a_directory_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model");
        let failed = create_dir(&path, |new| {
            fs::write(new.join("half"), b"")?;
            Err(io::Error::other("stopped"))
        });
        assert!(failed.is_err());
        assert_eq!(names(dir.path()), [""; 0]);
        create_dir(&path, |new| fs::write(new.join("whole"), b"")).unwrap();
        assert_eq!(names(&path), ["whole"]);
        let again = create_dir(&path, |new| fs::write(new.join("other"), b""));
        assert!(again.is_err(), "an existing directory is not replaced");
        assert_eq!(names(dir.path()), ["model"]);
    }

    #[test]
    fn a_directory_is_removed_with_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let (path, aside) = (dir.path().join("model"), dir.path().join("aside"));
        create_dir(&path, |new| fs::write(new.join("whole"), b"")).unwrap();
        remove_dir_through(&aside, &path).unwrap();
        assert_eq!(names(dir.path()), ["aside"]);
        assert_eq!(names(&aside), [""; 0]);
        assert!(remove_dir_through(&aside, &path).is_err());
    }

    #[test]
    fn a_lock_that_is_held_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("lock");
        let held = FileLock::try_acquire(&lock).unwrap();
        assert!(held.is_some());
        assert!(FileLock::try_acquire(&lock).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_acquire(&lock).unwrap().is_some());
    }

    #[test]
    fn a_lock_of_a_file_that_was_removed_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("lock");
        let held = FileLock::acquire(&lock).unwrap();
        assert!(held.is_of(&lock).unwrap());
        fs::remove_file(&lock).unwrap();
        assert!(!held.is_of(&lock).unwrap());
        let other = FileLock::acquire(&lock).unwrap();
        assert!(other.is_of(&lock).unwrap() && !held.is_of(&lock).unwrap());
    }

    #[test]
    fn a_copy_replaces_and_a_failed_one_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (source, path) = (dir.path().join("source"), dir.path().join("copy"));
        fs::write(&path, "old").unwrap();
        copy(&source, &path).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        fs::write(&source, "new").unwrap();
        assert_eq!(copy(&source, &path).unwrap(), 3);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["copy", "source"]);
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, counter) = (dir.path().join("lock"), dir.path().join("counter"));
        fs::write(&counter, "0").unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let _held = FileLock::acquire(&lock).unwrap();
                        let count: u32 = fs::read_to_string(&counter).unwrap().parse().unwrap();
                        fs::write(&counter, (count + 1).to_string()).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&counter).unwrap(), "100");
    }
}
