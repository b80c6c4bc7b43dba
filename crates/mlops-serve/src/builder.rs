use std::fmt;
use std::io::{self, Write};

use mlops_core::{Classifier, DriftDetector, OutlierDetector};

use crate::limits::Limits;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::scoring::Scorer;
use crate::{Dialect, Error, Service};

/// Collects the parts of a [`Service`].
#[must_use]
pub struct ServiceBuilder {
    name: String,
    classifier: Classifier,
    drift: Option<Box<dyn DriftDetector>>,
    outliers: Option<Box<dyn OutlierDetector>>,
    dialect: Dialect,
    limits: Limits,
    log: Option<Box<dyn Write + Send>>,
}

impl ServiceBuilder {
    pub(crate) fn new(classifier: Classifier) -> Self {
        Self {
            name: "mlops-serve".to_owned(),
            classifier,
            drift: None,
            outliers: None,
            dialect: Dialect::Native,
            limits: Limits::default(),
            log: Some(Box::new(io::stdout())),
        }
    }

    /// The name of the service in the log and in the metrics; `mlops-serve` by default.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// A detector that tests the rows of each request for drift; none by default.
    pub fn drift(self, detector: impl DriftDetector + 'static) -> Self {
        Self { drift: Some(Box::new(detector)), ..self }
    }

    /// A detector that scores each row of a request; none by default.
    pub fn outliers(self, detector: impl OutlierDetector + 'static) -> Self {
        Self { outliers: Some(Box::new(detector)), ..self }
    }

    /// How answers and log lines are written; [`Dialect::Native`] by default.
    pub fn dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// The largest request body, in bytes; 4 MiB by default. A larger one is answered with 413.
    pub fn max_body_bytes(mut self, max_body_bytes: usize) -> Self {
        self.limits.body_bytes = max_body_bytes;
        self
    }

    /// The most rows in a request; 10,000 by default. More are answered with 413.
    pub fn max_rows(mut self, max_rows: usize) -> Self {
        self.limits.rows = max_rows;
        self
    }

    /// Where the log goes; stdout by default.
    ///
    /// A thread of its own writes, so `writer` may block: requests go on, and lines that find no
    /// room in the queue of 32 MiB are dropped and counted.
    pub fn log(self, writer: impl Write + Send + 'static) -> Self {
        Self { log: Some(Box::new(writer)), ..self }
    }

    /// Logs nothing.
    pub fn without_log(self) -> Self {
        Self { log: None, ..self }
    }

    #[cfg(test)]
    pub(crate) fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Puts the parts together and starts the thread of the log.
    ///
    /// # Errors
    /// * [`Error::SchemaMismatch`] if a detector does not have the schema of the model
    /// * [`Error::LogThread`] if the operating system gives no thread
    pub fn build(self) -> Result<Service, Error> {
        let scorer = Scorer::new(self.classifier, self.drift, self.outliers, self.dialect)?;
        let schema = scorer.classifier().schema();
        let metrics = Metrics::new(&self.name, schema, &scorer.detectors());
        let start = |writer| {
            let dropped = metrics.log_lines_dropped.clone();
            Log::start(self.name, self.dialect, writer, self.limits.log_bytes, dropped)
        };
        let log = self.log.map(start).transpose()?;
        Ok(Service::new(scorer, self.limits, metrics, log))
    }
}

impl fmt::Debug for ServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceBuilder")
            .field("name", &self.name)
            .field("classifier", &self.classifier)
            .field("drift", &self.drift)
            .field("outliers", &self.outliers)
            .field("dialect", &self.dialect)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
