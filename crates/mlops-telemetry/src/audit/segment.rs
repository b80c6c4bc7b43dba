//! The segment that the audit log grows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlops_core::durable::{self, FileLock};

use super::AuditError;
use super::directory::{create_directories, open_name, recover, sealed_name};
use super::disk::{Disk, SegmentFile};

#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentLimits {
    pub(super) bytes: u64,
    pub(super) age: Duration,
}

/// The segments in a directory, of which at most one grows.
pub(super) struct Segments {
    disk: Box<dyn Disk>,
    directory: PathBuf,
    limits: SegmentLimits,
    // The number of the next segment.
    next: u64,
    current: Option<Segment>,
    // Segments that hold more than they should and could not be cut.
    damaged: Vec<Segment>,
    _lock: FileLock,
}

struct Segment {
    number: u64,
    file: Box<dyn SegmentFile>,
    // The length that is known to be on the disk, which ends with a whole line.
    synced: u64,
    // When it is to be sealed.
    due: Instant,
}

impl Segments {
    /// Takes over the directory and seals what a crash has left open; `None` if someone else has it.
    pub(super) fn open(
        disk: Box<dyn Disk>,
        directory: &Path,
        limits: SegmentLimits,
    ) -> io::Result<Option<Self>> {
        create_directories(directory)?;
        let Some(lock) = FileLock::try_acquire(&directory.join(LOCK))? else { return Ok(None) };
        let next = recover(directory)?;
        let directory = directory.to_owned();
        let (current, damaged) = (None, Vec::new());
        Ok(Some(Self { disk, directory, limits, next, current, damaged, _lock: lock }))
    }

    /// Puts whole lines on the disk, or none of them as far as the disk can still be told.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.repair()?;
        let (SegmentLimits { bytes, .. }, length) = (self.limits, lines.len() as u64);
        let is_over = |it: &Segment| {
            it.due <= Instant::now() || it.synced > 0 && it.synced.saturating_add(length) > bytes
        };
        if self.current.as_ref().is_some_and(is_over) {
            self.seal();
        }
        let mut segment = match self.current.take() {
            Some(segment) => segment,
            None => self.create()?,
        };
        let outcome = segment.file.write_all(lines).and_then(|()| segment.file.sync_data());
        match outcome {
            Ok(()) => segment.synced += length,
            Err(error) => {
                let is_cut = segment.file.set_len(segment.synced).is_ok();
                if is_cut {
                    self.current = Some(segment);
                } else {
                    self.damaged.push(segment);
                }
                return Err(error);
            }
        }
        let is_full = segment.synced >= bytes;
        self.current = Some(segment);
        if is_full {
            self.seal();
        }
        Ok(())
    }

    /// When [`Self::seal`] is to be called; `None` if there is nothing to seal.
    pub(super) fn due(&self) -> Option<Instant> {
        self.current.as_ref().map(|segment| segment.due)
    }

    /// Ends the segment that grows. If that fails, it grows on and is tried again.
    pub(super) fn seal(&mut self) {
        let Some(mut segment) = self.current.take() else { return };
        if segment.seal(&self.directory).is_err() {
            segment.due = Instant::now() + RETRY;
            self.current = Some(segment);
        }
    }

    /// Seals all that can be sealed; the rest is sealed when the log is opened again.
    pub(super) fn close(&mut self) {
        let _ = self.repair();
        self.seal();
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.limits.bytes
    }

    pub(super) fn storage_error(&self, error: &io::Error) -> AuditError {
        AuditError::storage(&self.directory, error)
    }

    fn create(&mut self) -> io::Result<Segment> {
        let number = self.next;
        let next = number.checked_add(1).ok_or(io::ErrorKind::QuotaExceeded)?;
        let path = self.directory.join(open_name(number));
        let file = self.disk.create(&path)?;
        // What is in a file that cannot be found after a crash is lost.
        if let Err(error) = durable::flush_directory(&self.directory) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        self.next = next;
        Ok(Segment {
            number,
            file,
            synced: 0,
            due: Instant::now() + self.limits.age.min(LONGEST_AGE),
        })
    }

    /// Cuts and seals the damaged segments.
    ///
    /// # Errors
    /// Why one of them could not be, if there are too many to add another.
    fn repair(&mut self) -> io::Result<()> {
        let mut last_error = None;
        for mut segment in std::mem::take(&mut self.damaged) {
            let cut = segment.file.set_len(segment.synced);
            let outcome = cut
                .and_then(|()| segment.file.sync_data())
                .and_then(|()| segment.seal(&self.directory));
            if let Err(error) = outcome {
                self.damaged.push(segment);
                last_error = Some(error);
            }
        }
        match last_error {
            Some(error) if self.damaged.len() >= MAX_DAMAGED => Err(error),
            _ => Ok(()),
        }
    }
}

impl Segment {
    /// Gives the file its final name, or removes it if it is empty.
    fn seal(&self, directory: &Path) -> io::Result<()> {
        let open = directory.join(open_name(self.number));
        if self.synced == 0 {
            fs::remove_file(open)?;
        } else {
            fs::rename(open, directory.join(sealed_name(self.number)))?;
        }
        // If this fails, a crash may bring the old name back, under which the segment is found as well.
        let _ = durable::flush_directory(directory);
        Ok(())
    }
}

const LOCK: &str = "lock";
/// A segment that is to be sealed at no age is sealed at this one: a clock does not count for ever.
const LONGEST_AGE: Duration = Duration::from_secs(1 << 30);
/// How soon a segment is tried again that could not be sealed.
const RETRY: Duration = Duration::from_secs(1);
/// The most segments that are left behind while a disk fails.
const MAX_DAMAGED: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::directory::sealed;
    use super::super::disk::FileSystem;
    use super::super::testing::{feedback_lines, lines};
    use super::*;

    const LIMITS: SegmentLimits = SegmentLimits { bytes: 1 << 20, age: Duration::from_secs(60) };

    fn open(directory: &Path) -> Segments {
        Segments::open(Box::new(FileSystem), directory, LIMITS).unwrap().unwrap()
    }

    /// What a process leaves behind that is killed with this much in its open segment.
    fn crash(directory: &Path, number: u64, bytes: &[u8]) {
        fs::write(directory.join(open_name(number)), bytes).unwrap();
    }

    #[test]
    fn a_crash_at_any_byte_loses_no_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = open(dir.path());
        for row in 0..4 {
            segments.append(&feedback_lines(row..row + 1)).unwrap();
        }
        let written = fs::read(dir.path().join(open_name(1))).unwrap();
        assert_eq!(written, feedback_lines(0..4));
        drop(segments);
        for length in 0..=written.len() {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(sealed_name(6)), feedback_lines(90..91)).unwrap();
            crash(dir.path(), 7, &written[..length]);
            let mut segments = open(dir.path());
            let whole: Vec<u8> =
                written[..length].split_inclusive(|&byte| byte == b'\n').fold(vec![], |all, it| {
                    if it.ends_with(b"\n") { [all, it.to_vec()].concat() } else { all }
                });
            let sealed = fs::read(dir.path().join(sealed_name(7))).unwrap_or_default();
            assert_eq!(sealed, whole, "killed after {length} bytes");
            assert!(!dir.path().join(open_name(7)).exists());
            segments.append(&feedback_lines(99..100)).unwrap();
            segments.close();
            let n_whole = whole.split(|&byte| byte == b'\n').count() - 1;
            let expected: Vec<usize> = [90].into_iter().chain(0..n_whole).chain([99]).collect();
            assert_eq!(lines(dir.path()), expected);
            assert!(dir.path().join(sealed_name(8)).exists(), "numbers go on");
        }
    }

    #[test]
    fn a_torn_line_may_be_longer_than_a_piece_that_is_searched() {
        let dir = tempfile::tempdir().unwrap();
        let line = feedback_lines(0..1);
        crash(dir.path(), 1, &[line.clone(), vec![0; 200_000]].concat());
        crash(dir.path(), 2, &vec![b'x'; 200_000]);
        let segments = open(dir.path());
        assert_eq!(fs::read(dir.path().join(sealed_name(1))).unwrap(), line);
        assert_eq!(segments.next, 3);
        assert_eq!(sealed(dir.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_sealed_segment_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(sealed_name(3)), feedback_lines(0..1)).unwrap();
        crash(dir.path(), 3, &feedback_lines(1..2));
        let segments = open(dir.path());
        assert_eq!(lines(dir.path()), [0, 1]);
        assert_eq!(segments.next, 5);
    }

    #[test]
    fn other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["segment-1.jsonl", "segment-0000000000000000000x.jsonl.open", "notes.open"];
        for name in names {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        assert_eq!(open(dir.path()).next, 1);
        assert!(names.iter().all(|name| dir.path().join(name).exists()));
        assert_eq!(sealed(dir.path()).unwrap(), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn numbers_that_are_used_up_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(sealed_name(u64::MAX)), "{}\n").unwrap();
        let opened = Segments::open(Box::new(FileSystem), dir.path(), LIMITS);
        assert_eq!(opened.err().unwrap().kind(), io::ErrorKind::QuotaExceeded);
    }

    #[test]
    fn a_segment_is_no_larger_than_asked() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = 3 * feedback_lines(0..1).len() as u64 + 1;
        let limits = SegmentLimits { bytes, ..LIMITS };
        let mut segments =
            Segments::open(Box::new(FileSystem), dir.path(), limits).unwrap().unwrap();
        for row in 0..7 {
            segments.append(&feedback_lines(row..row + 1)).unwrap();
        }
        segments.append(&feedback_lines(7..20)).unwrap();
        let sizes = sealed(dir.path())
            .unwrap()
            .into_iter()
            .map(|it| fs::read_to_string(it).unwrap().lines().count());
        assert_eq!(sizes.collect::<Vec<_>>(), [3, 3, 1, 13]);
    }
}
