use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How files are copied.
#[derive(Clone)]
#[must_use]
pub struct Transfer {
    pub(super) parallel: usize,
    pub(super) segment_size: u64,
    report: Option<Arc<Report>>,
}

type Report = dyn Fn(&Progress) + Send + Sync;

/// How far a copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many files are whole.
    pub files_done: usize,
    /// How many files there are.
    pub files: usize,
    /// How many bytes were copied.
    pub bytes_done: u64,
    /// How many bytes there are, as far as the store says.
    pub bytes: u64,
}

impl Default for Transfer {
    /// Eight files at once; segments of 32 MB.
    fn default() -> Self {
        Self { parallel: 8, segment_size: 32 << 20, report: None }
    }
}

impl Transfer {
    /// How many files are copied at once; at least one.
    pub fn parallel(self, files: usize) -> Self {
        Self { parallel: files.max(1), ..self }
    }

    /// The size of a segment in bytes; at least one. A file of more than two segments is downloaded over four connections at
    /// once where its store can begin anywhere; an attempt goes on with the segments that an earlier one did not finish.
    pub fn segment_size(self, bytes: u64) -> Self {
        Self { segment_size: bytes.max(1), ..self }
    }

    /// Calls `report` whenever a piece was copied, from the threads that copy, several at once too. What it does holds them
    /// up; it must not wait for the client.
    pub fn progress(self, report: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self { report: Some(Arc::new(report)), ..self }
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parallel, segment_size, .. } = self;
        let mut shown = f.debug_struct("Transfer");
        shown.field("parallel", parallel).field("segment_size", segment_size);
        shown.finish_non_exhaustive()
    }
}

/// Adds up what the files of one copy report.
#[derive(Clone)]
pub(super) struct Tally {
    progress: Arc<Mutex<Progress>>,
    report: Option<Arc<Report>>,
}

impl Tally {
    pub(super) fn new(transfer: &Transfer, files: usize, bytes: u64) -> Self {
        let progress = Progress { files, bytes, ..Progress::default() };
        Self { progress: Arc::new(Mutex::new(progress)), report: transfer.report.clone() }
    }

    /// One file's part of the tally.
    pub(super) fn file(&self) -> FileTally {
        FileTally { tally: self.clone(), start: 0, bytes: Arc::default() }
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        let progress = {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut progress);
            *progress
        };
        if let Some(report) = &self.report {
            report(&progress);
        }
    }
}

#[derive(Clone)]
pub(super) struct FileTally {
    tally: Tally,
    /// What is told of begins with this byte of the file.
    start: u64,
    /// How many are there.
    bytes: Arc<AtomicU64>,
}

impl FileTally {
    /// Of the same file, of its bytes from `start` on.
    pub(super) fn from(&self, start: u64) -> Self {
        Self { tally: self.tally.clone(), start, bytes: Arc::default() }
    }

    /// The byte that comes next.
    pub(super) fn position(&self) -> u64 {
        self.start + self.bytes.load(Ordering::Relaxed)
    }

    /// Nothing is there any more.
    pub(super) fn reset(&self) {
        self.is_at(self.start);
    }

    /// The byte that comes next; an earlier one than before after a start from the beginning.
    pub(super) fn is_at(&self, position: u64) {
        let bytes = position - self.start;
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        self.tally.change(|progress| progress.bytes_done = progress.bytes_done + bytes - before);
    }

    pub(super) fn is_done(&self) {
        self.tally.change(|progress| progress.files_done += 1);
    }
}
