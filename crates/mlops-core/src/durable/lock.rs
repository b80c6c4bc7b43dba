use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

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

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

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
