use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::queue::{Outcome, Queue};
use super::sink::LogSink;
use crate::{Error, ErrorKind, LogBatch};

/// The thread that sends batches.
pub(crate) struct Worker {
    // Dropped in this order: when the thread has ended, the sink is gone, too.
    sink: Box<dyn LogSink>,
    end: End,
    /// When the last batch was begun.
    last: Option<Instant>,
}

/// Says that the thread has ended, also if that was a panic.
struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Waits before a batch is sent again: the first, and the longest. While somebody waits, all are like the first.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What has become of a batch.
enum Sent {
    Logged,
    /// A panic gives no reason.
    Failed(Option<Error>),
}

/// Nobody wants to know any more what becomes of the batch.
struct Abandoned;

impl Worker {
    pub(crate) fn new(queue: Arc<Queue>, sink: Box<dyn LogSink>) -> Self {
        Self { sink, end: End(queue), last: None }
    }

    /// Sends batches until there will be none.
    pub(crate) fn run(mut self) {
        while let Some(mut batch) = self.queue().next() {
            let n_bytes = batch.n_bytes();
            let (log_batch, mut bad_keys) = batch.drain();
            let mut outcome = Outcome { logged: 0, failed: bad_keys.len(), error: bad_keys.pop() };
            let Ok(()) = self.deliver(log_batch, &mut outcome) else { return };
            self.queue().settle(batch, n_bytes, outcome);
        }
    }

    fn queue(&self) -> &Queue {
        &self.end.0
    }

    /// Sends a batch, and its parts one by one if it is refused.
    fn deliver(&mut self, batch: LogBatch, outcome: &mut Outcome) -> Result<(), Abandoned> {
        if n_entities(&batch) == 0 {
            return Ok(());
        }
        let sent = self.send(&batch)?;
        let parts = if sent.is_refused() { parts(&batch) } else { Vec::new() };
        if parts.len() < 2 {
            outcome.count(&batch, sent);
            return Ok(());
        }
        for part in parts {
            let sent = self.send(&part)?;
            outcome.count(&part, sent);
        }
        Ok(())
    }

    /// Sends a batch until it is logged, or fails for a reason that does not pass.
    fn send(&mut self, batch: &LogBatch) -> Result<Sent, Abandoned> {
        let mut wait = FIRST_WAIT;
        loop {
            self.pace()?;
            // A panic must not end the thread: nobody would send what is logged later.
            let log = AssertUnwindSafe(|| self.sink.log_batch(batch));
            match catch_unwind(log) {
                Ok(Ok(())) => return Ok(Sent::Logged),
                Ok(Err(error)) if error.is_transient() => self.queue().set_obstacle(error),
                Ok(Err(error)) => return Ok(Sent::Failed(Some(error))),
                Err(_) => return Ok(Sent::Failed(None)),
            }
            self.wait(wait, FIRST_WAIT)?;
            wait = (2 * wait).min(LONGEST_WAIT);
        }
    }

    /// Keeps the distance from the last batch that the sink asks for.
    fn pace(&mut self) -> Result<(), Abandoned> {
        let pause = self.sink.pause();
        let left = self.last.map(|last| pause.saturating_sub(last.elapsed()));
        let left = left.unwrap_or_default();
        self.wait(left, left)?;
        self.last = Some(Instant::now());
        Ok(())
    }

    fn wait(&self, time: Duration, hurried: Duration) -> Result<(), Abandoned> {
        if self.queue().pause(time, hurried) { Ok(()) } else { Err(Abandoned) }
    }
}

impl Sent {
    /// Whether it is something in the batch that is refused.
    fn is_refused(&self) -> bool {
        use ErrorKind::{InvalidName, ParamChanged, Refused};
        let Self::Failed(Some(error)) = self else { return false };
        matches!(error.kind(), InvalidName | ParamChanged | Refused)
    }
}

impl Outcome {
    fn count(&mut self, batch: &LogBatch, sent: Sent) {
        match sent {
            Sent::Logged => self.logged += n_entities(batch),
            Sent::Failed(error) => {
                self.failed += n_entities(batch);
                self.error = error.or_else(|| self.error.take());
            }
        }
    }
}

fn n_entities(batch: &LogBatch) -> usize {
    batch.metrics.len() + batch.params.len() + batch.tags.len()
}

/// The metrics, and each parameter and tag by itself: it is those that have more rules than a key's.
fn parts(batch: &LogBatch) -> Vec<LogBatch> {
    let LogBatch { metrics, params, tags } = batch;
    let metrics = LogBatch { metrics: metrics.clone(), ..LogBatch::default() };
    let param =
        |param: &(String, String)| LogBatch { params: vec![param.clone()], ..LogBatch::default() };
    let tag = |tag: &(String, String)| LogBatch { tags: vec![tag.clone()], ..LogBatch::default() };
    let parts = [metrics].into_iter().filter(|metrics| n_entities(metrics) > 0);
    parts.chain(params.iter().map(param)).chain(tags.iter().map(tag)).collect()
}
