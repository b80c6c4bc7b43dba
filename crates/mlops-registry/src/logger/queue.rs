use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::report::LoggerReport;
use crate::{Error, meta};

/// What waits for the thread that sends it.
#[derive(Debug)]
pub(crate) struct Queue {
    settings: Settings,
    state: Mutex<State>,
    /// The thread may have something to do.
    wake: Condvar,
    /// A batch is settled, or the thread has ended.
    settled: Condvar,
}

/// When batches are sent, and when there is no room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) interval: Duration,
    pub(crate) batch_size: usize,
    pub(crate) capacity: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), batch_size: 1000, capacity: 16 << 20 }
    }
}

/// What has become of the metrics, parameters and tags of a batch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) logged: usize,
    pub(crate) failed: usize,
    /// The last of the reasons.
    pub(crate) error: Option<Error>,
}

/// A batch is full at that size, too: texts are large.
const BATCH_BYTES: usize = 512 << 10;

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Batch>,
    /// One that was sent, to be filled again.
    spare: Option<Batch>,
    /// The size of what waits or is being sent.
    n_bytes: usize,
    /// How many came in; those that were dropped did not.
    n_in: u64,
    logged: u64,
    failed: u64,
    dropped: u64,
    /// Why something failed.
    error: Option<Arc<Error>>,
    /// Why the batch that is being sent has to be sent again.
    obstacle: Option<Arc<Error>>,
    n_flushing: usize,
    is_closed: bool,
    /// Nobody wants to know any more what becomes of what is left.
    is_abandoned: bool,
    has_ended: bool,
}

impl Queue {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, state: Mutex::default(), wake: Condvar::new(), settled: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push_metric(&self, key: &str, value: f64, step: i64) {
        let timestamp = meta::now();
        let mut state = self.lock();
        if state.n_bytes + Batch::metric_bytes(key) > self.settings.capacity {
            state.dropped += 1;
            return;
        }
        self.push(state, |batch| batch.push_metric(key, value, timestamp, step));
    }

    pub(crate) fn push_param(&self, key: &str, value: String) {
        let param = (key.to_owned(), value);
        self.push(self.lock(), |batch| batch.push_param(param));
    }

    pub(crate) fn push_tag(&self, key: &str, value: String) {
        let tag = (key.to_owned(), value);
        self.push(self.lock(), |batch| batch.push_tag(tag));
    }

    /// Adds one thing to the last batch, or begins another one if that is full.
    fn push(&self, mut state: MutexGuard<'_, State>, add: impl FnOnce(&mut Batch)) {
        let State { batches, spare, n_bytes, n_in, .. } = &mut *state;
        let is_first = batches.is_empty();
        if batches.back().is_none_or(|batch| self.is_full(batch)) {
            batches.push_back(spare.take().unwrap_or_default());
        }
        let Some(batch) = batches.back_mut() else { return };
        *n_bytes -= batch.n_bytes();
        add(batch);
        *n_bytes += batch.n_bytes();
        *n_in += 1;
        let is_news = is_first || self.is_full(batch);
        drop(state);
        if is_news {
            self.wake.notify_one();
        }
    }

    fn is_full(&self, batch: &Batch) -> bool {
        batch.len() >= self.settings.batch_size || batch.n_bytes() >= BATCH_BYTES
    }

    pub(crate) fn report(&self) -> LoggerReport {
        self.lock().report()
    }

    /// Waits until everything that was pushed before is settled, but no longer than `deadline`.
    pub(crate) fn flush(&self, deadline: Duration) -> LoggerReport {
        let mut state = self.lock();
        let n_in = state.n_in;
        state.n_flushing += 1;
        self.wake.notify_one();
        let waits = |state: &mut State| state.n_settled() < n_in && !state.has_ended;
        let waited = self.settled.wait_timeout_while(state, deadline, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.n_flushing -= 1;
        state.report()
    }

    /// Says that nothing more will be pushed, waits until the thread has ended, but no longer than `deadline`, and
    /// gives up what is left.
    pub(crate) fn close(&self, deadline: Duration) -> LoggerReport {
        let mut state = self.lock();
        state.is_closed = true;
        self.wake.notify_one();
        let waits = |state: &mut State| !state.has_ended && !state.is_abandoned;
        let waited = self.settled.wait_timeout_while(state, deadline, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_abandoned = true;
        self.wake.notify_one();
        state.report()
    }

    /// For the thread: waits for a batch; `None` if there will be none.
    pub(crate) fn next(&self) -> Option<Batch> {
        let state = self.lock();
        let is_idle = |state: &mut State| state.batches.is_empty() && !state.is_closed;
        let state = self.wake.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        let gathers = |state: &mut State| {
            let is_full = state.batches.front().is_some_and(|batch| self.is_full(batch));
            !is_full && !state.is_hurried()
        };
        let waited = self.wake.wait_timeout_while(state, self.settings.interval, gathers);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_abandoned { None } else { state.batches.pop_front() }
    }

    /// For the thread: counts what was in a batch that held so many bytes, and takes it back to be filled again.
    pub(crate) fn settle(&self, batch: Batch, n_bytes: usize, outcome: Outcome) {
        let mut state = self.lock();
        state.n_bytes -= n_bytes;
        state.logged += outcome.logged as u64;
        state.failed += outcome.failed as u64;
        state.obstacle = None;
        state.spare = Some(batch);
        if let Some(error) = outcome.error {
            state.error = Some(Arc::new(error));
        }
        self.settled.notify_all();
    }

    /// For the thread: tells why a batch has to be sent again.
    pub(crate) fn set_obstacle(&self, error: Error) {
        self.lock().obstacle = Some(Arc::new(error));
    }

    /// For the thread: waits so long, or at most `hurried` while somebody waits for a batch; whether to go on.
    pub(crate) fn pause(&self, time: Duration, hurried: Duration) -> bool {
        let started = Instant::now();
        let mut state = self.lock();
        while !state.is_abandoned {
            let time = if state.is_hurried() { time.min(hurried) } else { time };
            let left = time.saturating_sub(started.elapsed());
            if left.is_zero() {
                return true;
            }
            let waited = self.wake.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    /// For the thread: says that it has ended.
    pub(crate) fn end(&self) {
        self.lock().has_ended = true;
        self.settled.notify_all();
    }
}

impl State {
    fn n_settled(&self) -> u64 {
        self.logged + self.failed
    }

    /// Whether somebody waits for a batch.
    fn is_hurried(&self) -> bool {
        self.n_flushing > 0 || self.is_closed
    }

    fn report(&self) -> LoggerReport {
        LoggerReport {
            logged: self.logged,
            dropped: self.dropped,
            failed: self.failed,
            pending: self.n_in - self.n_settled(),
            error: self.obstacle.clone().or_else(|| self.error.clone()),
        }
    }
}
