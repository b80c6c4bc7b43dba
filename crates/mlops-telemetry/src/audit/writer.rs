//! The thread of the audit log: commits in groups, then tells who waits.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use super::segment::Segments;
use super::{AuditCounters, AuditError};
use crate::Event;
use crate::lines::LineWriter;

type Done = Box<dyn FnOnce(Result<(), AuditError>) + Send>;

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Message {
    Append(Append),
    /// Seal what is open, and say so.
    Seal(mpsc::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Append {
    pub(super) event: Event,
    pub(super) waiting: Waiting,
}

/// Whoever waits for an event, and the room that the event takes; is told an outcome exactly once.
pub(super) struct Waiting {
    done: Option<Done>,
    size: usize,
    counters: Arc<AuditCounters>,
}

impl Waiting {
    pub(super) fn new(done: Done, size: usize, counters: Arc<AuditCounters>) -> Self {
        Self { done: Some(done), size, counters }
    }

    fn finish(&mut self, outcome: Result<(), AuditError>) {
        let Some(done) = self.done.take() else { return };
        let AuditCounters { written, failed, queued_bytes, .. } = &*self.counters;
        let counter = if outcome.is_ok() { written } else { failed };
        counter.fetch_add(1, Ordering::Relaxed);
        queued_bytes.fetch_sub(self.size, Ordering::Relaxed);
        // The others must be told, too.
        let _ = catch_unwind(AssertUnwindSafe(|| done(outcome)));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.finish(Err(AuditError::Stopped));
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("size", &self.size).finish_non_exhaustive()
    }
}

pub(super) struct Writer {
    encoder: LineWriter,
    segments: Segments,
    // A commit ends with the event that makes it longer, in bytes.
    group_bytes: usize,
    lines: Vec<u8>,
}

impl Writer {
    pub(super) fn new(encoder: LineWriter, segments: Segments) -> Self {
        let group_bytes = usize::try_from(segments.max_bytes()).unwrap_or(usize::MAX);
        let group_bytes = group_bytes.min(MAX_GROUP_BYTES);
        Self { encoder, segments, group_bytes, lines: Vec::new() }
    }

    /// Runs until all senders are gone and everything is written and sealed.
    pub(super) fn run(&mut self, messages: &Receiver<Message>) {
        loop {
            let message = match self.segments.due() {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => messages.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(Message::Append(append)) => {
                    if let Some(done) = self.commit(append, messages) {
                        self.seal(&done);
                    }
                }
                Ok(Message::Seal(done)) => self.seal(&done),
                Err(RecvTimeoutError::Timeout) => self.segments.seal(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.segments.close();
    }

    fn seal(&mut self, done: &mpsc::Sender<()>) {
        self.segments.seal();
        // Whoever waited may have given up.
        let _ = done.send(());
    }

    /// Writes what has gathered and flushes it once; a wish to seal ends the group and is returned.
    fn commit(&mut self, first: Append, messages: &Receiver<Message>) -> Option<mpsc::Sender<()>> {
        let mut seal = None;
        self.lines.clear();
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(Append { event, mut waiting }) = next {
            let before = self.lines.len();
            // A panic must not end the thread: the events behind this one would be refused for ever.
            let encode = AssertUnwindSafe(|| self.encoder.append(&event, &mut self.lines));
            if catch_unwind(encode).is_ok_and(|outcome| outcome.is_ok()) {
                group.push(waiting);
            } else {
                self.lines.truncate(before);
                waiting.finish(Err(AuditError::Encode));
            }
            next = None;
            if self.lines.len() < self.group_bytes {
                match messages.try_recv() {
                    Ok(Message::Append(append)) => next = Some(append),
                    Ok(Message::Seal(done)) => seal = Some(done),
                    Err(_) => {}
                }
            }
        }
        let outcome = if group.is_empty() { Ok(()) } else { self.segments.append(&self.lines) };
        let outcome = outcome.map_err(|error: io::Error| self.segments.storage_error(&error));
        for mut waiting in group {
            waiting.finish(outcome.clone());
        }
        self.lines.shrink_to(self.group_bytes);
        seal
    }
}

/// Who waits for a commit does not wait for more than this many bytes, and an event.
const MAX_GROUP_BYTES: usize = 1 << 20;
