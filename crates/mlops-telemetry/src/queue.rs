use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::io::Write;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Counts;

/// Lines that wait for the thread that writes them.
///
/// They are copied in and out in large pieces: events handed over one by one would be freed by another thread than
/// allocated them, and the allocator would have requests wait for the thread.
pub(crate) struct Queue {
    /// In bytes.
    capacity: usize,
    /// The length of all lines; it changes while `state` is locked.
    n_bytes: AtomicUsize,
    state: Mutex<State>,
    /// The thread has something to do.
    wake: Condvar,
    /// The thread has written a batch.
    written: Condvar,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Batch>,
    /// One that was written, to be filled again.
    spare: Option<Batch>,
    written: u64,
    dropped: u64,
    failed: u64,
    /// The events that came in, and those of them that are written or failed.
    n_in: u64,
    n_out: u64,
    n_flushing: usize,
    is_closed: bool,
}

/// What is written in one piece.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    n_events: u64,
}

impl Queue {
    /// An empty one, which takes events until it holds so many bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            n_bytes: AtomicUsize::new(0),
            state: Mutex::default(),
            wake: Condvar::new(),
            written: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is full, so that an event need not be made into lines: it is dropped and counted.
    pub(crate) fn refuses(&self) -> bool {
        let is_full = self.is_full();
        if is_full {
            self.lock().dropped += 1;
        }
        is_full
    }

    fn is_full(&self) -> bool {
        self.n_bytes.load(Ordering::Relaxed) >= self.capacity
    }

    /// Leaves the lines of an event for the thread, or drops and counts it. Long ones are taken, not copied.
    pub(crate) fn push(&self, lines: &mut Vec<u8>) {
        let mut state = self.lock();
        if self.is_full() {
            state.dropped += 1;
            return;
        }
        self.n_bytes.fetch_add(lines.len(), Ordering::Relaxed);
        state.n_in += 1;
        let is_news = state.append(lines);
        drop(state);
        if is_news {
            self.wake.notify_one();
        }
    }

    /// Counts an event that cannot be made into lines.
    pub(crate) fn count_failed(&self) {
        self.lock().failed += 1;
    }

    pub(crate) fn counts(&self) -> Counts {
        let State { written, dropped, failed, .. } = *self.lock();
        let queued_bytes = self.n_bytes.load(Ordering::Relaxed);
        Counts { written, dropped, failed, queued_bytes }
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
        let state = self.lock();
        let is_idle = |state: &mut State| state.batches.is_empty() && !state.is_closed;
        let state = self.wake.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        // Until a batch is full, lines gather for a while: under load the thread is woken seldom, and writes much.
        let gathers = |state: &mut State| {
            state.batches.len() < 2 && state.n_flushing == 0 && !state.is_closed
        };
        let waited = self.wake.wait_timeout_while(state, GATHER_TIME, gathers);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.batches.pop_front()
    }

    fn settle(&self, mut batch: Batch, is_written: bool) {
        let (n_bytes, n_events) = (batch.lines.len(), mem::take(&mut batch.n_events));
        batch.lines.clear();
        let mut state = self.lock();
        *(if is_written { &mut state.written } else { &mut state.failed }) += n_events;
        state.n_out += n_events;
        self.n_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
        if state.spare.is_none() && batch.lines.capacity() <= BATCH_BYTES {
            state.spare = Some(mem::take(&mut batch));
        }
        drop(state);
        self.written.notify_all();
    }
}

/// Without the lines: they are what clients sent.
impl Debug for Queue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { capacity, .. } = self;
        let counts = self.counts();
        f.debug_struct("Queue")
            .field("capacity", capacity)
            .field("counts", &counts)
            .finish_non_exhaustive()
    }
}

impl State {
    /// Whether the thread must hear of it: there is a first batch, or a full one.
    fn append(&mut self, lines: &mut Vec<u8>) -> bool {
        let has_room = |batch: &&mut Batch| batch.lines.len() + lines.len() <= BATCH_BYTES;
        if let Some(batch) = self.batches.back_mut().filter(has_room) {
            batch.append(lines);
            return false;
        }
        let batch = if lines.len() > BATCH_BYTES {
            Batch { lines: mem::take(lines), n_events: 1 }
        } else {
            let mut batch = self.spare.take().unwrap_or_default();
            batch.lines.reserve_exact(BATCH_BYTES);
            batch.append(lines);
            batch
        };
        self.batches.push_back(batch);
        self.batches.len() <= 2
    }
}

impl Batch {
    fn append(&mut self, lines: &[u8]) {
        self.lines.extend_from_slice(lines);
        self.n_events += 1;
    }
}

/// Lines are written in pieces of at most so many bytes, or of one event.
pub(crate) const BATCH_BYTES: usize = 64 << 10;
/// How long lines gather before they are written.
const GATHER_TIME: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::testing::SharedBuffer;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_many_threads_push_is_written_whole_and_counted_once() {
        let (queue, buffer) = (Arc::new(Queue::new(1 << 30)), SharedBuffer::default());
        let line = |i: usize| {
            let n_zeros = if i.is_multiple_of(100) { 70_000 } else { 50 };
            format!("{}{i}\n", "0".repeat(n_zeros)).into_bytes()
        };
        let (writing, mut output) = (Arc::clone(&queue), buffer.clone());
        let writer = thread::spawn(move || writing.write_to(&mut output));
        thread::scope(|scope| {
            for of in 0..4 {
                let queue = &queue;
                let lines = (of * 1000..(of + 1) * 1000).map(line);
                scope.spawn(move || lines.for_each(|mut line| queue.push(&mut line)));
            }
        });
        assert!(queue.flush(10 * SECOND));
        queue.close();
        writer.join().unwrap();
        let counts = Counts { written: 4000, ..Counts::default() };
        assert_eq!(queue.counts(), counts);
        let mut lines: Vec<usize> =
            buffer.text().lines().map(|line| line.parse().unwrap()).collect();
        lines.sort_unstable();
        assert!(lines.into_iter().eq(0..4000));
    }

    #[test]
    fn a_queue_takes_events_until_it_is_full() {
        let queue = Queue::new(25);
        for _ in 0..4 {
            assert!(!queue.refuses() || queue.counts().queued_bytes == 30);
            queue.push(&mut b"123456789\n".to_vec());
        }
        assert!(queue.refuses());
        let Counts { queued_bytes, dropped, .. } = queue.counts();
        assert_eq!((queued_bytes, dropped), (30, 3));
        assert!(!queue.flush(Duration::ZERO), "nobody writes");
    }

    #[test]
    fn what_is_shown_of_a_queue_is_not_what_it_holds() {
        let queue = Queue::new(100);
        queue.push(&mut b"secret".to_vec());
        let shown = format!("{queue:?}");
        assert!(shown.contains("queued_bytes: 6") && !shown.contains("115, 101"), "{shown}");
    }
}
