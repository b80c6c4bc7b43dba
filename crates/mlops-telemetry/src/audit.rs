mod directory;
mod disk;
mod error;
mod segment;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
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
use writer::{Append, Message, Waiting, Writer};

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
            let _ = queue.send(Message::Append(Append { event, waiting }));
        }
    }

    /// Seals the open segment, behind everything that was appended before, and waits for that.
    ///
    /// # Errors
    /// [`AuditError::NotSealed`] if it takes longer than `grace`.
    pub fn seal(&self, grace: Duration) -> Result<(), AuditError> {
        let Some(queue) = &self.inner.queue else { return Ok(()) };
        let (done, sealed) = mpsc::channel();
        if queue.send(Message::Seal(done)).is_err() {
            // The thread has ended: there is nothing left to wait for.
            return Ok(());
        }
        match sealed.recv_timeout(grace) {
            Err(mpsc::RecvTimeoutError::Timeout) => Err(AuditError::NotSealed { grace }),
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => Ok(()),
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
        let path = directory.as_ref();
        match directory::sealed(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            sealed => sealed.map_err(|error| AuditError::storage(path, &error)),
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
    queue: Option<mpsc::Sender<Message>>,
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
