mod batch;
mod queue;
mod report;
mod sink;
mod worker;

use std::fmt::{self, Display};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub use report::LoggerReport;
pub use sink::LogSink;

use crate::{Error, ErrorKind};
use queue::{Queue, Settings};
use worker::Worker;

/// Logs metrics, parameters and tags of a run from a loop that must not wait for the disk or a server.
///
/// What is logged is left in a queue, which takes a fraction of a microsecond, and a thread sends it on in batches:
/// when [`batch_size`](RunLoggerBuilder::batch_size) values are there, and otherwise after the
/// [`interval`](RunLoggerBuilder::interval). A metric has the time at which it was logged, and the order of those with
/// one key is kept.
///
/// While the destination cannot be reached ([`Error::is_transient`]), a batch is sent again, after waits that double up
/// to 30 s, and the queue grows up to its [`capacity`](RunLoggerBuilder::capacity); then metrics are dropped and
/// counted. Parameters and tags are never dropped. A batch that is refused is taken apart, so that one parameter that
/// cannot be logged takes nothing with it.
///
/// Dropped, the logger waits for what is in the queue, but no longer than the [`deadline`](RunLoggerBuilder::deadline);
/// [`finish`](Self::finish) does the same and says what became of it. Neither ends the run.
///
/// # Examples
/// ```
/// use mlops_registry::{LocalStore, RunLogger, RunStatus};
///
/// # let folder = std::env::temp_dir().join(format!("mlops-logger-{}", std::process::id()));
/// let store = LocalStore::open(&folder)?;
/// let run = store.start_run(&store.experiment("wine quality")?, "search", None)?;
/// let logger = RunLogger::new(run.clone())?;
/// logger.log_param("learning_rate", 0.1);
/// for step in 0..1000 {
///     logger.log_metric("loss", 1.0 / (step + 1) as f64, step);
/// }
/// let report = logger.finish();
/// assert!(report.is_complete(), "{report:?}");
/// run.finish(RunStatus::Finished)?;
/// assert_eq!(run.metric_history("loss")?.len(), 1000);
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok::<(), mlops_registry::Error>(())
/// ```
pub struct RunLogger {
    queue: Arc<Queue>,
    deadline: Duration,
}

/// Collects what a [`RunLogger`] is made of.
#[must_use]
pub struct RunLoggerBuilder {
    sink: Box<dyn LogSink>,
    settings: Settings,
    deadline: Duration,
}

impl RunLogger {
    /// A logger that logs to `sink`: a [`Run`](crate::Run) of a local store or, with the feature `client`,
    /// `blocking::ServerRun`.
    ///
    /// # Errors
    /// As [`RunLoggerBuilder::start`].
    pub fn new(sink: impl LogSink + 'static) -> Result<Self, Error> {
        Self::builder(sink).start()
    }

    /// A logger with further wishes.
    pub fn builder(sink: impl LogSink + 'static) -> RunLoggerBuilder {
        RunLoggerBuilder {
            sink: Box::new(sink),
            settings: Settings::default(),
            deadline: Duration::from_secs(30),
        }
    }

    /// Logs a value of a metric, as of now; a full queue drops and counts it.
    ///
    /// A key that MLflow would refuse is counted as failed.
    pub fn log_metric(&self, key: &str, value: f64, step: i64) {
        self.queue.push_metric(key, value, step);
    }

    /// Logs a parameter, however full the queue is.
    pub fn log_param(&self, key: &str, value: impl Display) {
        self.queue.push_param(key, value.to_string());
    }

    /// Sets a tag, however full the queue is.
    pub fn set_tag(&self, key: &str, value: impl Display) {
        self.queue.push_tag(key, value.to_string());
    }

    /// Waits until everything that was logged before is sent or has failed, but no longer than `deadline`, and says
    /// what became of what was logged so far.
    pub fn flush(&self, deadline: Duration) -> LoggerReport {
        self.queue.flush(deadline)
    }

    /// What has become of what was logged so far.
    pub fn report(&self) -> LoggerReport {
        self.queue.report()
    }

    /// Waits until everything is sent or has failed, but no longer than the
    /// [`deadline`](RunLoggerBuilder::deadline), and says what became of it; what is pending then is given up.
    pub fn finish(self) -> LoggerReport {
        self.queue.close(self.deadline)
    }
}

impl Drop for RunLogger {
    fn drop(&mut self) {
        // What became of it `finish` tells who wants to know.
        let _ = self.queue.close(self.deadline);
    }
}

impl fmt::Debug for RunLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLogger").field("report", &self.report()).finish_non_exhaustive()
    }
}

impl RunLoggerBuilder {
    /// How long values wait for others to be sent with; 1 s by default.
    pub fn interval(self, interval: Duration) -> Self {
        Self { settings: Settings { interval, ..self.settings }, ..self }
    }

    /// How many values are sent at once, at most; 1000 by default, as many as MLflow takes in a request.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { settings: Settings { batch_size, ..self.settings }, ..self }
    }

    /// While so many bytes wait, metrics are dropped; 16 MiB by default, which is some 300 000 values.
    pub fn capacity(self, capacity: usize) -> Self {
        Self { settings: Settings { capacity, ..self.settings }, ..self }
    }

    /// How long [`finish`](RunLogger::finish) and dropping the logger wait, at most; 30 s by default.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) if the operating system gives no thread.
    pub fn start(self) -> Result<RunLogger, Error> {
        let Self { sink, settings, deadline } = self;
        let queue = Arc::new(Queue::new(settings));
        let worker = Worker::new(Arc::clone(&queue), sink);
        let thread = thread::Builder::new().name("run-logger".to_owned());
        thread.spawn(move || worker.run()).map_err(|error| {
            Error::new(ErrorKind::Io, "start", "the thread of a logger").with_source(error)
        })?;
        Ok(RunLogger { queue, deadline })
    }
}

impl fmt::Debug for RunLoggerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLoggerBuilder")
            .field("settings", &self.settings)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
