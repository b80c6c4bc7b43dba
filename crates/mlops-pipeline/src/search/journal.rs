use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use mlops_core::durable::FileLock;
use serde::Serialize;

use super::trial::FinishedTrial;

/// A file to which a search writes what came of its trials: a line that says which search it is, and one for each trial,
/// in the order in which they ended.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    _lock: FileLock,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It cannot be read or written.
    #[error("the journal `{}` cannot be used", path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Another process is searching with it.
    #[error("the journal `{}` is in use by another search", path.display())]
    InUse {
        /// Where it is.
        path: PathBuf,
    },
    /// It tells of other data, parameters, settings or another seed.
    #[error("the journal `{}` is of another search", path.display())]
    OtherSearch {
        /// Where it is.
        path: PathBuf,
    },
    /// A line is not what a search writes.
    #[error("the journal `{}` makes no sense in line {line}", path.display())]
    Malformed {
        /// Where it is.
        path: PathBuf,
        /// Which line, from one.
        line: usize,
    },
}

impl Journal {
    /// Opens or begins the journal of the search that `header` describes, and reads what has ended already.
    pub(super) fn open(
        path: &Path,
        header: &impl Serialize,
    ) -> Result<(Self, Vec<FinishedTrial>), JournalError> {
        let failed = |source| JournalError::Io { path: path.to_owned(), source };
        let lock = FileLock::try_acquire(&lock_path(path)).map_err(failed)?;
        let Some(lock) = lock else { return Err(JournalError::InUse { path: path.to_owned() }) };
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let first = serde_json::to_string(header).map_err(|error| failed(error.into()))?;
        // Nothing is changed in a file that is not this search's, or its first line that was cut off.
        let mut lines = text.split_inclusive('\n');
        if lines.next().is_some_and(|line| line.trim_end() != first && !first.starts_with(line)) {
            return Err(JournalError::OtherSearch { path: path.to_owned() });
        }
        // The end of a line that was cut off.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), file, _lock: lock };
        if whole == 0 {
            journal.write(header).map_err(failed)?;
        }
        let lines = text[..whole].lines().enumerate().skip(1);
        let malformed = |at: usize| JournalError::Malformed { path: path.to_owned(), line: at + 1 };
        let trials = lines.map(|(at, line)| serde_json::from_str(line).map_err(|_| malformed(at)));
        Ok((journal, trials.collect::<Result<_, _>>()?))
    }

    /// Writes down what came of a trial, at once: a process that is killed has lost nothing that had ended.
    pub(super) fn record(&mut self, trial: &FinishedTrial) -> Result<(), JournalError> {
        self.write(trial).map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
