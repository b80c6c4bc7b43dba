use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::SystemTime;

use axum::Router;
use mlops_core::{Classifier, Records, RecordsLimits};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::ServiceBuilder;
use crate::limits::Limits;
use crate::log::{Event, Log};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::request_id::{RequestId, RequestIds};
use crate::router::router;
use crate::scoring::Scorer;

/// A model with its detectors, its limits, its metrics and its log; a clone is the same service.
#[derive(Clone, Debug)]
pub struct Service {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    scorer: Scorer,
    limits: Limits,
    metrics: Metrics,
    log: Option<Log>,
    request_ids: RequestIds,
    // One permit for each core: so many large requests are worked on at a time.
    large_requests: Arc<Semaphore>,
    is_stopping: AtomicBool,
}

impl Service {
    /// A builder of a service that answers with the predictions of `classifier`.
    ///
    /// # Examples
    /// The page of this crate shows a whole service.
    pub fn builder(classifier: Classifier) -> ServiceBuilder {
        ServiceBuilder::new(classifier)
    }

    pub(crate) fn new(scorer: Scorer, limits: Limits, metrics: Metrics, log: Option<Log>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            inner: Arc::new(Inner {
                scorer,
                limits,
                metrics,
                log,
                request_ids: RequestIds::new(),
                large_requests: Arc::new(Semaphore::new(cores)),
                is_stopping: AtomicBool::new(false),
            }),
        }
    }

    /// The routes of the service, for a server of your own or for tests without a socket.
    ///
    /// Timeouts of headers and the limit of connections are not theirs: [`serve`](crate::serve)
    /// adds them.
    pub fn router(&self) -> Router {
        router(self.clone())
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn next_request_id(&self) -> RequestId {
        self.inner.request_ids.next()
    }

    /// From now on the service says that it is not ready.
    pub(crate) fn stop(&self) {
        self.inner.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.inner.is_stopping.load(Ordering::Relaxed)
    }

    /// Waits until the log has written every request that was answered.
    pub(crate) async fn flush_log(&self) {
        if let Some(log) = &self.inner.log {
            log.flush().await;
        }
    }

    /// Answers a body of JSON records with a body of JSON.
    ///
    /// A large body is read, and many rows are scored, on a thread where they hold up no other
    /// request.
    pub(crate) async fn answer(&self, id: RequestId, body: Vec<u8>) -> Result<Vec<u8>, Problem> {
        let is_large = body.len() > INLINE_BYTES;
        let records = self.run(is_large, move |service| service.read(&body)).await??;
        let is_large = records.n_rows() > INLINE_ROWS;
        self.run(is_large, move |service| service.score(id, records)).await?
    }

    async fn run<T: Send + 'static>(
        &self,
        is_large: bool,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if !is_large {
            return Ok(work(self));
        }
        // The work goes on when the client has gone, so it takes the permit along.
        let permit = Arc::clone(&self.inner.large_requests).acquire_owned().await;
        let service = self.clone();
        let work = move || {
            let _permit = permit;
            work(&service)
        };
        spawn_blocking(work).await.map_err(|_| Problem::Internal)
    }

    fn read(&self, body: &[u8]) -> Result<Records, Problem> {
        let schema = self.inner.scorer.classifier().schema();
        let limits = RecordsLimits::default().max_rows(self.limits().rows);
        Ok(Records::from_json(schema, body, limits)?)
    }

    fn score(&self, request_id: RequestId, records: Records) -> Result<Vec<u8>, Problem> {
        let Some(answer) = self.inner.scorer.answer(&records) else {
            self.metrics().model_failures.inc();
            return Err(Problem::Internal);
        };
        self.metrics().observe_answer(&answer);
        let body = answer.to_json().map_err(|_| Problem::Internal)?;
        if let Some(log) = &self.inner.log {
            log.push(Event { time: SystemTime::now(), request_id, records, answer });
        }
        Ok(body)
    }
}

/// A larger body is read on a thread of its own: reading this much takes a fraction of a millisecond.
const INLINE_BYTES: usize = 32 << 10;
/// More rows are scored on a thread of their own: model and detectors may take 10 us for a row.
const INLINE_ROWS: usize = 64;
