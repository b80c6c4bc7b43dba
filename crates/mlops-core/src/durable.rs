//! Writing that a crash leaves old or new, never half done.
//!
//! A file or directory is written under a temporary name on the same file system, flushed to the device and renamed
//! into place.

mod flush;
mod lock;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub use flush::flush_directory;
pub use lock::FileLock;

use flush::{flush_tree, together};

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

/// Writes several files as [`write_through`] does, each whole or not at all, in about the time of one.
///
/// # Errors
/// What the operating system answers; some of the files may be written then.
pub fn write_all_through<'a>(
    directory: &Path,
    files: impl IntoIterator<Item = (&'a Path, &'a [u8])>,
) -> io::Result<()> {
    let new = |(path, bytes)| New { temporary: directory.join(temporary_name()), path, bytes };
    let files: Vec<New<'_>> = files.into_iter().map(new).collect();
    let written = together(&files, |file| write_flushed(&file.temporary, file.bytes));
    let outcome = written
        .and_then(|()| files.iter().try_for_each(|file| fs::rename(&file.temporary, file.path)));
    if outcome.is_err() {
        for file in &files {
            // The first error is the one to report.
            let _ = fs::remove_file(&file.temporary);
        }
    }
    outcome?;
    let parents: BTreeSet<&Path> = files.iter().map(|file| parent(file.path)).collect();
    together(&Vec::from_iter(parents), |path| flush_directory(path))
}

/// A file to be written.
struct New<'a> {
    temporary: PathBuf,
    path: &'a Path,
    bytes: &'a [u8],
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

#[cfg(test)]
mod tests {
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
}
