use std::collections::VecDeque;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Counts;

/// Lines that wait for the thread that writes them.
///
/// They are copied in and out in large pieces: events handed over one by one would be freed by another thread than
/// allocated them, and the allocator would have requests wait for the thread.
#[derive(Debug)]
pub(crate) struct Queue {
    /// In bytes.
    capacity: usize,
    state: Mutex<State>,
    /// The thread has something to do.
    wake: Condvar,
    /// The thread has written a batch.
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Batch>,
    /// One that was written, to be filled again.
    spare: Option<Batch>,
    counts: Counts,
    /// The events that came in, and those of them that are written or failed.
    n_in: u64,
    n_out: u64,
    n_flushing: usize,
    is_closed: bool,
}

/// What is written in one piece.
#[derive(Debug, Default)]
struct Batch {
    lines: Vec<u8>,
    n_events: u64,
}

impl Queue {
    /// An empty one, which holds so many bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        let (wake, written) = (Condvar::new(), Condvar::new());
        Self { capacity, state: Mutex::default(), wake, written }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is no room at all, so that an event is dropped and counted.
    pub(crate) fn refuses(&self) -> bool {
        let mut state = self.lock();
        let is_full = state.counts.queued_bytes >= self.capacity;
        state.counts.dropped += u64::from(is_full);
        is_full
    }

    /// Leaves the lines of an event for the thread, or drops and counts it.
    pub(crate) fn push(&self, lines: &[u8]) {
        let mut state = self.lock();
        let n_bytes = state.counts.queued_bytes.saturating_add(lines.len());
        if n_bytes > self.capacity {
            state.counts.dropped += 1;
            return;
        }
        state.counts.queued_bytes = n_bytes;
        state.n_in += 1;
        // Otherwise the thread is awake, or will be.
        let is_first = state.batches.is_empty();
        state.append(lines);
        drop(state);
        if is_first {
            self.wake.notify_one();
        }
    }

    /// Counts an event that cannot be written.
    pub(crate) fn count_failed(&self) {
        self.lock().counts.failed += 1;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Waits until everything that was pushed before is written, or has failed; whether that was in time.
    pub(crate) fn flush(&self, grace: Duration) -> bool {
        let mut state = self.lock();
        let n_in = state.n_in;
        state.n_flushing += 1;
        self.wake.notify_one();
        let waited = self.written.wait_timeout_while(state, grace, |state| state.n_out < n_in);
        let (mut state, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        state.n_flushing -= 1;
        !outcome.timed_out()
    }

    /// Says that nothing more will be pushed.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_one();
    }

    /// The thread: writes what is pushed until the queue is closed and empty.
    pub(crate) fn write_to(&self, output: &mut (impl Write + ?Sized)) {
        while let Some(batch) = self.next() {
            let write = || output.write_all(&batch.lines).and_then(|()| output.flush());
            // A panic must not end the thread: what is pushed later would be lost uncounted.
            let written = catch_unwind(AssertUnwindSafe(write));
            self.settle(batch, matches!(written, Ok(Ok(()))));
        }
    }

    /// Waits for a batch; `None` if there will be none.
    fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        if state.batches.is_empty() {
            let is_idle = |state: &mut State| state.batches.is_empty() && !state.is_closed;
            state = self.wake.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
            // Under load the thread is woken once in a while, not for each event.
            let gathers = |state: &mut State| state.n_flushing == 0 && !state.is_closed;
            let waited = self.wake.wait_timeout_while(state, GATHER_TIME, gathers);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.batches.pop_front()
    }

    fn settle(&self, mut batch: Batch, is_written: bool) {
        let mut state = self.lock();
        let Counts { written, failed, queued_bytes, .. } = &mut state.counts;
        *(if is_written { written } else { failed }) += batch.n_events;
        *queued_bytes -= batch.lines.len();
        state.n_out += batch.n_events;
        if batch.lines.capacity() <= BATCH_BYTES {
            batch.lines.clear();
            batch.n_events = 0;
            state.spare = Some(batch);
        }
        drop(state);
        self.written.notify_all();
    }
}

impl State {
    fn append(&mut self, lines: &[u8]) {
        let has_room = |batch: &&mut Batch| batch.lines.len() + lines.len() <= BATCH_BYTES;
        if let Some(batch) = self.batches.back_mut().filter(has_room) {
            batch.append(lines);
            return;
        }
        let mut batch = self.spare.take().unwrap_or_default();
        batch.lines.reserve_exact(lines.len().max(BATCH_BYTES));
        batch.append(lines);
        self.batches.push_back(batch);
    }
}

impl Batch {
    fn append(&mut self, lines: &[u8]) {
        self.lines.extend_from_slice(lines);
        self.n_events += 1;
    }
}

/// Lines are written in pieces of at most so many bytes, or of one event.
const BATCH_BYTES: usize = 64 << 10;
/// How long lines gather before they are written.
const GATHER_TIME: Duration = Duration::from_millis(5);
