//! A disk that fails on demand, and small events.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime};

use super::directory;
use super::disk::{Disk, SegmentFile};
use crate::lines::LineWriter;
use crate::{Event, Feedback, LineFormat, Privacy, RequestId};

/// The truth about a row, which tells events apart.
pub(super) fn feedback(row: usize) -> Event {
    let (time, request_id) = (SystemTime::UNIX_EPOCH, RequestId::new(255));
    Event::Feedback(Feedback { time, request_id, row, label: 1.0 })
}

pub(super) fn feedback_lines(rows: Range<usize>) -> Vec<u8> {
    let (format, privacy) = (LineFormat::Compact, Privacy::default());
    let writer = LineWriter { service_name: "Wine".to_owned(), format, privacy };
    let mut lines = Vec::new();
    rows.for_each(|row| writer.append(&feedback(row), &mut lines).unwrap());
    lines
}

/// The rows of the events in the sealed segments of a directory.
pub(super) fn lines(path: &Path) -> Vec<usize> {
    let segments = directory::sealed(path).unwrap().into_iter().map(|path| {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        text
    });
    let row = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        usize::try_from(line["row"].as_u64().unwrap()).unwrap()
    };
    segments.flat_map(|text| text.lines().map(row).collect::<Vec<_>>()).collect()
}

/// A disk of a given room whose operations can be made to fail.
#[derive(Clone)]
pub(super) struct FaultyDisk(Arc<Faults>);

struct Faults {
    room: AtomicU64,
    syncs_fail: AtomicBool,
    truncation_fails: AtomicBool,
    n_syncs: AtomicUsize,
    gate: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

/// Where a flush of the disk stands still.
pub(super) struct Gate {
    reached: mpsc::Receiver<()>,
    open: mpsc::Sender<()>,
}

impl Gate {
    pub(super) fn reached(&self) {
        self.reached.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    pub(super) fn open(&self) {
        self.open.send(()).unwrap();
    }
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self(Arc::new(Faults {
            room: AtomicU64::new(u64::MAX),
            syncs_fail: AtomicBool::new(false),
            truncation_fails: AtomicBool::new(false),
            n_syncs: AtomicUsize::new(0),
            gate: Mutex::new(None),
        }))
    }
}

impl FaultyDisk {
    pub(super) fn set_room(&self, bytes: u64) {
        self.0.room.store(bytes, Ordering::SeqCst);
    }

    pub(super) fn fail_syncs(&self, fail: bool) {
        self.0.syncs_fail.store(fail, Ordering::SeqCst);
    }

    pub(super) fn fail_truncation(&self, fail: bool) {
        self.0.truncation_fails.store(fail, Ordering::SeqCst);
    }

    pub(super) fn n_syncs(&self) -> usize {
        self.0.n_syncs.load(Ordering::SeqCst)
    }

    pub(super) fn block_next_sync(&self) -> Gate {
        let ((at_gate, reached), (open, opened)) = (mpsc::channel(), mpsc::channel());
        *self.0.gate.lock().unwrap() = Some((at_gate, opened));
        Gate { reached, open }
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = File::options().append(true).create_new(true).open(path)?;
        Ok(Box::new(FaultyFile { file, faults: Arc::clone(&self.0) }))
    }
}

struct FaultyFile {
    file: File,
    faults: Arc<Faults>,
}

impl SegmentFile for FaultyFile {
    /// Writes as much as there is room for.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.faults.room.load(Ordering::SeqCst);
        let n_written = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        SegmentFile::write_all(&mut self.file, &bytes[..n_written])?;
        if n_written < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        if let Some((reached, opened)) = self.faults.gate.lock().unwrap().take() {
            reached.send(()).unwrap();
            opened.recv_timeout(Duration::from_secs(20)).unwrap();
        }
        self.faults.n_syncs.fetch_add(1, Ordering::SeqCst);
        let fails = self.faults.syncs_fail.load(Ordering::SeqCst);
        if fails { Err(io::ErrorKind::TimedOut.into()) } else { self.file.sync_data() }
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        let fails = self.faults.truncation_fails.load(Ordering::SeqCst);
        if fails { Err(io::ErrorKind::PermissionDenied.into()) } else { self.file.set_len(length) }
    }
}
