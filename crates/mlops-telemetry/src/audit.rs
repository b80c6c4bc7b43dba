mod disk;
mod error;
mod segment;
#[cfg(test)]
mod testing;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use error::AuditError;

use crate::lines::LineWriter;
use crate::{Event, LineFormat, Privacy};
use disk::{Disk, FileSystem};
use segment::{SegmentLimits, Segments};
use writer::{Append, Waiting, Writer};

/// Events that must not be lost: each is on the disk before its writer is told so.
///
/// Events become compact lines ([`LineFormat::Compact`]) in files called `segment-<20 digits>.jsonl`,
/// counted from 1. The one that is written has `.open` behind its name; at a size or an age it is sealed:
/// renamed, and never changed again. A crash at any moment loses nothing that was acknowledged. What was
/// not acknowledged may be in the log all the same, and so may an event that is appended again: an event
/// is there at least once.
///
/// A clone is the same log. When the last one goes, it waits until everything is written and sealed.
#[derive(Clone, Debug)]
pub struct AuditLog {
    inner: Arc<Inner>,
}

impl AuditLog {
    /// Opens the log in `directory`, which is made if it is not there, and starts a thread that writes it.
    ///
    /// What a crash has left open is cut after its last whole line and sealed.
    ///
    /// # Errors
    /// * [`AuditError::Locked`] if the log is open already, here or in another process
    /// * [`AuditError::Storage`] if the directory cannot be made, read or written
    /// * [`AuditError::Thread`] if the operating system gives no thread
    ///
    /// # Examples
    /// The page of this crate shows one.
    pub fn open(directory: impl AsRef<Path>, options: AuditOptions) -> Result<Self, AuditError> {
        Self::open_on(Box::new(FileSystem), directory.as_ref(), options)
    }

    /// Hands `event` to the thread; never blocks.
    ///
    /// `done` is called once: with `Ok` when the event is on the disk, on the thread that writes, which
    /// it must not keep long; or with the reason why it may not be there. A panic in it is caught.
    ///
    /// # Errors
    /// `done` gets
    /// * [`AuditError::Full`], at once and on this thread, if the event finds no room in the queue
    /// * [`AuditError::Storage`] if the disk did not take the event; the log then goes on and takes the
    ///   next ones as soon as the disk does
    /// * [`AuditError::Encode`] if the event cannot be written as a line
    /// * [`AuditError::Stopped`] if the thread has ended
    pub fn append(&self, event: Event, done: impl FnOnce(Result<(), AuditError>) + Send + 'static) {
        let Inner { queue, counters, capacity, .. } = &*self.inner;
        let size = event.size();
        let before = counters.queued_bytes.fetch_add(size, Ordering::Relaxed);
        if before.saturating_add(size) > *capacity {
            counters.queued_bytes.fetch_sub(size, Ordering::Relaxed);
            counters.refused.fetch_add(1, Ordering::Relaxed);
            return done(Err(AuditError::Full { capacity: *capacity }));
        }
        let waiting = Waiting::new(Box::new(done), size, Arc::clone(counters));
        if let Some(queue) = queue {
            // A thread that has ended gives the event back, and who waits for it learns so.
            let _ = queue.send(Append { event, waiting });
        }
    }

    /// What has become of the events so far.
    pub fn counts(&self) -> AuditCounts {
        let AuditCounters { written, refused, failed, queued_bytes } = &*self.inner.counters;
        AuditCounts {
            written: written.load(Ordering::Relaxed),
            refused: refused.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
            queued_bytes: queued_bytes.load(Ordering::Relaxed),
        }
    }

    /// The sealed segments in `directory`, the oldest first; none if there is no such directory.
    ///
    /// # Errors
    /// [`AuditError::Storage`] if the directory cannot be read.
    pub fn sealed_segments(directory: impl AsRef<Path>) -> Result<Vec<PathBuf>, AuditError> {
        let directory = directory.as_ref();
        match segment::sealed(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            sealed => sealed.map_err(|error| AuditError::storage(directory, &error)),
        }
    }

    fn open_on(
        disk: Box<dyn Disk>,
        directory: &Path,
        options: AuditOptions,
    ) -> Result<Self, AuditError> {
        let AuditOptions { service_name, privacy, capacity, limits } = options;
        let segments = Segments::open(disk, directory, limits)
            .map_err(|error| AuditError::storage(directory, &error))?
            .ok_or_else(|| AuditError::Locked { directory: directory.to_owned() })?;
        let lines = LineWriter { service_name, format: LineFormat::Compact, privacy };
        let mut writer = Writer::new(lines, segments);
        let (queue, appends) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(&appends))
            .map_err(|error| AuditError::Thread { kind: error.kind() })?;
        let (queue, thread) = (Some(queue), Some(thread));
        let counters = Arc::default();
        Ok(Self { inner: Arc::new(Inner { queue, thread, counters, capacity }) })
    }
}

#[derive(Debug)]
struct Inner {
    // There until it is dropped, and so is the thread.
    queue: Option<mpsc::Sender<Append>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<AuditCounters>,
    capacity: usize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The thread ends when the queue is closed and empty.
        self.queue = None;
        // The last handle may go in a callback: the thread cannot wait for itself.
        let thread = self.thread.take().filter(|it| it.thread().id() != thread::current().id());
        if let Some(thread) = thread {
            // A thread that panicked has told so all who waited.
            let _ = thread.join();
        }
    }
}

/// What an [`AuditLog`] is made of.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditOptions {
    service_name: String,
    privacy: Privacy,
    capacity: usize,
    limits: SegmentLimits,
}

impl AuditOptions {
    /// The log of the service called `service_name`.
    pub fn new(service_name: impl Into<String>) -> Self {
        Self {
            service_name: service_name.into(),
            privacy: Privacy::default(),
            capacity: 32 << 20,
            limits: SegmentLimits { bytes: 64 << 20, age: Duration::from_secs(300) },
        }
    }

    /// Which columns are not written as they are; all are by default.
    pub fn privacy(self, privacy: Privacy) -> Self {
        Self { privacy, ..self }
    }

    /// How much memory events may hold from when they are appended until they are on the disk, in bytes;
    /// 32 MiB by default. A larger event is always refused.
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// The size at which a segment is sealed, in bytes; 64 MiB by default.
    ///
    /// No segment is larger by more than the lines of an event.
    pub fn max_segment_bytes(self, bytes: u64) -> Self {
        Self { limits: SegmentLimits { bytes, ..self.limits }, ..self }
    }

    /// The age at which a segment is sealed, whether events come in or not; 5 minutes by default.
    pub fn max_segment_age(self, age: Duration) -> Self {
        Self { limits: SegmentLimits { age, ..self.limits }, ..self }
    }
}

/// What has become of the events of an [`AuditLog`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuditCounts {
    /// Events that are on the disk.
    pub written: u64,
    /// Events that found no room in the queue.
    pub refused: u64,
    /// Events that may not be on the disk.
    pub failed: u64,
    /// The memory that waiting events hold, in bytes.
    pub queued_bytes: usize,
}

#[derive(Debug, Default)]
struct AuditCounters {
    written: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    queued_bytes: AtomicUsize,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::time::Instant;

    use super::testing::{FaultyDisk, feedback, lines};
    use super::*;
    use crate::{RequestId, testing};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn open(directory: &Path) -> AuditLog {
        AuditLog::open(directory, AuditOptions::new("Wine")).unwrap()
    }

    /// Appends `event` and waits until it is done.
    fn append(log: &AuditLog, event: Event) -> Result<(), AuditError> {
        let (done, outcome) = mpsc::channel();
        log.append(event, move |outcome| done.send(outcome).unwrap());
        outcome.recv_timeout(PATIENCE).unwrap()
    }

    fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < PATIENCE, "{what}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn an_event_is_in_the_open_segment_when_it_is_acknowledged_and_sealed_when_the_log_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        let event = Event::Inference(Box::new(testing::inference(&[9.4])));
        append(&log, event).unwrap();
        let open = dir.path().join("segment-00000000000000000001.jsonl.open");
        let text = fs::read_to_string(&open).unwrap();
        assert!(
            text.starts_with(r#"{"ts":"2022-01-12T15:06:40.007000Z","#) && text.ends_with("}\n")
        );
        assert_eq!(AuditLog::sealed_segments(dir.path()), Ok(vec![]));
        drop(log);
        let sealed = dir.path().join("segment-00000000000000000001.jsonl");
        assert_eq!(AuditLog::sealed_segments(dir.path()), Ok(vec![sealed.clone()]));
        assert_eq!(fs::read_to_string(sealed).unwrap(), text);
    }

    #[test]
    fn events_of_many_threads_are_all_acknowledged_and_all_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let log = AuditLog::open(dir.path(), AuditOptions::new("Wine").max_segment_bytes(20_000));
        let log = log.unwrap();
        let (done, outcomes) = mpsc::channel();
        thread::scope(|scope| {
            for thread in 0..8 {
                let (log, done) = (log.clone(), done.clone());
                scope.spawn(move || {
                    for row in 0..250 {
                        let done = done.clone();
                        log.append(feedback(thread * 1000 + row), move |outcome| {
                            done.send(outcome).unwrap();
                        });
                    }
                });
            }
        });
        for _ in 0..2000 {
            assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(()));
        }
        assert_eq!(log.counts(), AuditCounts { written: 2000, ..AuditCounts::default() });
        drop(log);
        let segments = AuditLog::sealed_segments(dir.path()).unwrap();
        assert!(segments.len() > 5, "{} segments", segments.len());
        let lines = lines(dir.path());
        assert_eq!(lines.len(), 2000);
        assert_eq!(lines.into_iter().collect::<BTreeSet<_>>().len(), 2000);
    }

    #[test]
    fn what_gathers_during_a_commit_is_the_next_commit() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let gate = disk.block_next_sync();
        let options = AuditOptions::new("Wine");
        let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
        let (done, outcomes) = mpsc::channel();
        let append = |row| {
            let done = done.clone();
            log.append(feedback(row), move |outcome| done.send((row, outcome)).unwrap());
        };
        append(0);
        gate.reached();
        (1..100).for_each(append);
        assert!(outcomes.try_recv().is_err(), "acknowledged before the disk has it");
        assert_ne!(log.counts().queued_bytes, 0);
        gate.open();
        for row in 0..100 {
            assert_eq!(outcomes.recv_timeout(PATIENCE), Ok((row, Ok(()))));
        }
        assert_eq!(disk.n_syncs(), 2);
        assert_eq!(log.counts(), AuditCounts { written: 100, ..AuditCounts::default() });
    }

    #[test]
    fn a_full_queue_refuses_at_once_and_takes_events_again_when_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let gate = disk.block_next_sync();
        let capacity = 3 * feedback(0).size();
        let options = AuditOptions::new("Wine").capacity(capacity);
        let log = AuditLog::open_on(Box::new(disk), dir.path(), options).unwrap();
        let (done, outcomes) = mpsc::channel();
        for row in 0..10 {
            let done = done.clone();
            log.append(feedback(row), move |outcome| done.send(outcome).unwrap());
        }
        gate.reached();
        for _ in 3..10 {
            assert_eq!(outcomes.try_recv().unwrap(), Err(AuditError::Full { capacity }));
        }
        gate.open();
        for _ in 0..3 {
            assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Ok(()));
        }
        assert_eq!(append(&log, feedback(10)), Ok(()));
        assert_eq!(log.counts(), AuditCounts { written: 4, refused: 7, ..AuditCounts::default() });
        drop(log);
        assert_eq!(lines(dir.path()).len(), 4);
    }

    #[test]
    fn a_full_disk_fails_its_events_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let options = AuditOptions::new("Wine");
        let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
        assert_eq!(append(&log, feedback(0)), Ok(()));
        disk.set_room(50);
        for row in 1..4 {
            let kind = io::ErrorKind::StorageFull;
            let expected = AuditError::Storage { directory: dir.path().to_owned(), kind };
            assert_eq!(append(&log, feedback(row)), Err(expected));
        }
        disk.set_room(u64::MAX);
        assert_eq!(append(&log, feedback(4)), Ok(()));
        assert_eq!(log.counts(), AuditCounts { written: 2, failed: 3, ..AuditCounts::default() });
        drop(log);
        assert_eq!(lines(dir.path()), [0, 4], "what was half written is cut off");
        assert_eq!(AuditLog::sealed_segments(dir.path()).unwrap().len(), 1);
    }

    #[test]
    fn what_could_not_be_flushed_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let options = AuditOptions::new("Wine");
        let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
        disk.fail_syncs(true);
        assert!(append(&log, feedback(0)).is_err());
        disk.fail_syncs(false);
        assert_eq!(append(&log, feedback(1)), Ok(()));
        disk.fail_syncs(true);
        assert!(append(&log, feedback(2)).is_err());
        drop(log);
        assert_eq!(lines(dir.path()), [1]);
    }

    #[test]
    fn a_segment_that_cannot_be_cut_is_left_and_sealed_when_it_can() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let options = AuditOptions::new("Wine");
        let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options).unwrap();
        assert_eq!(append(&log, feedback(0)), Ok(()));
        disk.fail_truncation(true);
        disk.set_room(50);
        assert!(append(&log, feedback(1)).is_err());
        disk.set_room(u64::MAX);
        assert_eq!(append(&log, feedback(2)), Ok(()), "there is another segment");
        let torn = dir.path().join("segment-00000000000000000001.jsonl.open");
        assert!(!fs::read_to_string(&torn).unwrap().ends_with('\n'));
        disk.fail_truncation(false);
        assert_eq!(append(&log, feedback(3)), Ok(()));
        assert!(!torn.exists(), "it is sealed before the next commit");
        drop(log);
        assert_eq!(lines(dir.path()), [0, 2, 3]);
    }

    #[test]
    fn a_disk_that_takes_nothing_is_not_littered_with_segments() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let options = AuditOptions::new("Wine");
        let log = AuditLog::open_on(Box::new(disk.clone()), dir.path(), options.clone()).unwrap();
        disk.fail_truncation(true);
        disk.set_room(0);
        for row in 0..50 {
            assert!(append(&log, feedback(row)).is_err());
        }
        assert!(fs::read_dir(dir.path()).unwrap().count() < 12);
        drop(log);
        let log = AuditLog::open(dir.path(), options).unwrap();
        assert_eq!(append(&log, feedback(50)), Ok(()));
        drop(log);
        assert_eq!(lines(dir.path()), [50]);
    }

    #[test]
    fn a_segment_is_sealed_at_its_age_without_traffic() {
        let dir = tempfile::tempdir().unwrap();
        let age = Duration::from_millis(30);
        let log = AuditLog::open(dir.path(), AuditOptions::new("Wine").max_segment_age(age));
        let log = log.unwrap();
        for n_sealed in 1..3 {
            assert_eq!(append(&log, feedback(n_sealed)), Ok(()));
            eventually("the segment is sealed", || {
                AuditLog::sealed_segments(dir.path()).unwrap().len() == n_sealed
            });
        }
        assert_eq!(lines(dir.path()), [1, 2]);
    }

    #[test]
    fn a_log_is_open_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/audit");
        assert_eq!(AuditLog::sealed_segments(&path), Ok(vec![]));
        let log = open(&path);
        let again = AuditLog::open(&path, AuditOptions::new("Wine"));
        assert_eq!(again.unwrap_err(), AuditError::Locked { directory: path.clone() });
        drop(log);
        drop(open(&path));
    }

    #[test]
    fn a_callback_may_panic_or_hold_the_last_handle() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        log.append(feedback(0), |_| panic!("a broken callback"));
        let (release, released) = mpsc::channel::<()>();
        let last = log.clone();
        log.append(feedback(1), move |_| {
            let _ = released.recv_timeout(PATIENCE);
            drop(last);
        });
        drop(log);
        release.send(()).unwrap();
        eventually("the log is sealed", || {
            AuditLog::sealed_segments(dir.path()).unwrap().len() == 1
        });
        assert_eq!(lines(dir.path()), [0, 1]);
    }

    #[test]
    fn columns_are_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let options = AuditOptions::new("Wine").privacy(Privacy::default().drop(["alcohol"]));
        let log = AuditLog::open(dir.path(), options).unwrap();
        let event = testing::inference(&[9.4]);
        assert_eq!(event.request_id, RequestId::new(255));
        append(&log, Event::Inference(Box::new(event))).unwrap();
        drop(log);
        let segment = AuditLog::sealed_segments(dir.path()).unwrap().remove(0);
        assert!(fs::read_to_string(segment).unwrap().contains(r#""columns":["is_red"]"#));
    }
}
