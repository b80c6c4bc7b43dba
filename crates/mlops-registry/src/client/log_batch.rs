use serde::Serialize;
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::wire::{self, Pair};
use crate::{Error, LogBatch, LoggedModelId, NewMetric, RunId};

/// The largest batch that MLflow takes: of everything, and of parameters or tags.
const MAX_ENTITIES: usize = 1000;
const MAX_TEXTS: usize = 100;
/// A little less than the megabyte that Databricks takes.
const MAX_BYTES: usize = 900_000;

impl MlflowClient {
    /// Logs a value of a metric, as of now.
    ///
    /// # Errors
    /// As [`log_batch`](Self::log_batch).
    pub async fn log_metric(
        &self,
        run_id: &RunId,
        key: &str,
        value: f64,
        step: i64,
    ) -> Result<(), Error> {
        let metrics = vec![NewMetric::new(key, value, step)];
        self.log_batch(run_id, &LogBatch { metrics, ..LogBatch::default() }).await
    }

    /// Logs a parameter.
    ///
    /// # Errors
    /// As [`log_batch`](Self::log_batch); [`Refused`](crate::ErrorKind::Refused) if it has another value already.
    pub async fn log_param(&self, run_id: &RunId, key: &str, value: &str) -> Result<(), Error> {
        let params = vec![(key.to_owned(), value.to_owned())];
        self.log_batch(run_id, &LogBatch { params, ..LogBatch::default() }).await
    }

    /// Sets a tag.
    ///
    /// # Errors
    /// As [`log_batch`](Self::log_batch).
    pub async fn set_tag(&self, run_id: &RunId, key: &str, value: &str) -> Result<(), Error> {
        let tags = vec![(key.to_owned(), value.to_owned())];
        self.log_batch(run_id, &LogBatch { tags, ..LogBatch::default() }).await
    }

    /// Logs any number of values, in requests as large as MLflow takes. If one fails, those before it are logged.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if there is no such run
    /// * [`Refused`](crate::ErrorKind::Refused) if a key is not allowed, or a parameter has another value already
    pub async fn log_batch(&self, run_id: &RunId, batch: &LogBatch) -> Result<(), Error> {
        for part in parts(batch) {
            let body = json!({
                "run_id": run_id.as_str(),
                "metrics": part.metrics,
                "params": part.params,
                "tags": part.tags,
            });
            // A metric of the same time and step is the same; parameters and tags are replaced by themselves.
            let call = Call::post("log to the run", "runs/log-batch", body).target(run_id);
            self.transport.run(call.idempotent()).await?;
        }
        Ok(())
    }
}

/// What goes into one request.
#[derive(Debug, Default, PartialEq)]
struct Part<'a> {
    metrics: Vec<WireMetric<'a>>,
    params: Vec<Pair>,
    tags: Vec<Pair>,
    n_bytes: usize,
}

/// A value of a metric as MLflow reads it.
#[derive(Debug, PartialEq, Serialize)]
struct WireMetric<'a> {
    key: &'a str,
    #[serde(with = "wire::double")]
    value: f64,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_digest: Option<&'a str>,
}

impl<'a> From<&'a NewMetric> for WireMetric<'a> {
    fn from(metric: &'a NewMetric) -> Self {
        Self {
            key: &metric.key,
            value: metric.value,
            timestamp: metric.timestamp,
            step: metric.step,
            model_id: metric.model_id.as_ref().map(LoggedModelId::as_str),
            dataset_name: metric.dataset_name.as_deref(),
            dataset_digest: metric.dataset_digest.as_deref(),
        }
    }
}

/// One thing of a batch.
enum Entity<'a> {
    Metric(&'a NewMetric),
    Param(&'a (String, String)),
    Tag(&'a (String, String)),
}

impl<'a> Part<'a> {
    fn has_room(&self, entity: &Entity<'_>) -> bool {
        let n = self.metrics.len() + self.params.len() + self.tags.len();
        let n_alike = match entity {
            Entity::Metric(_) => 0,
            Entity::Param(_) => self.params.len(),
            Entity::Tag(_) => self.tags.len(),
        };
        n < MAX_ENTITIES && n_alike < MAX_TEXTS && self.n_bytes + entity.n_bytes() <= MAX_BYTES
    }

    fn push(&mut self, entity: &Entity<'a>) {
        self.n_bytes += entity.n_bytes();
        match entity {
            Entity::Metric(metric) => self.metrics.push((*metric).into()),
            Entity::Param(pair) => self.params.push(Pair::from((*pair).clone())),
            Entity::Tag(pair) => self.tags.push(Pair::from((*pair).clone())),
        }
    }
}

impl Entity<'_> {
    /// What it takes in JSON, at most.
    fn n_bytes(&self) -> usize {
        // A control character becomes six.
        match self {
            Self::Metric(NewMetric { key, dataset_name, dataset_digest, .. }) => {
                let n_bytes = |text: &Option<String>| text.as_ref().map_or(0, String::len);
                256 + 6 * (key.len() + n_bytes(dataset_name) + n_bytes(dataset_digest))
            }
            Self::Param((key, value)) | Self::Tag((key, value)) => {
                32 + 6 * (key.len() + value.len())
            }
        }
    }
}

fn parts(batch: &LogBatch) -> Vec<Part<'_>> {
    let metrics = batch.metrics.iter().map(Entity::Metric);
    let params = batch.params.iter().map(Entity::Param);
    let tags = batch.tags.iter().map(Entity::Tag);
    let mut parts: Vec<Part<'_>> = Vec::new();
    for entity in metrics.chain(params).chain(tags) {
        if !parts.last().is_some_and(|part| part.has_room(&entity)) {
            parts.push(Part::default());
        }
        if let Some(part) = parts.last_mut() {
            part.push(&entity);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(n: usize, length: usize) -> Vec<(String, String)> {
        (0..n).map(|i| (format!("k{i}"), "x".repeat(length))).collect()
    }

    #[test]
    fn a_batch_is_sent_in_requests_as_large_as_mlflow_takes() {
        let metrics = (0..2500).map(|step| NewMetric::new("loss", 0.5, step)).collect();
        let batch = LogBatch { metrics, params: texts(250, 1), tags: texts(1, 1) };
        let parts = parts(&batch);
        let lengths = parts.iter().map(|it| (it.metrics.len(), it.params.len(), it.tags.len()));
        let expected = [(1000, 0, 0), (1000, 0, 0), (500, 100, 0), (0, 100, 0), (0, 50, 1)];
        assert_eq!(lengths.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn large_texts_are_sent_in_several_requests() {
        let batch = LogBatch { tags: texts(30, 60_000), ..LogBatch::default() };
        let parts = parts(&batch);
        assert_eq!(parts.iter().map(|part| part.tags.len()).collect::<Vec<_>>(), [2; 15]);
        assert!(parts.iter().all(|part| part.n_bytes <= MAX_BYTES));
        assert_eq!(super::parts(&LogBatch::default()), []);
    }
}
