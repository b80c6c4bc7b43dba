use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize, Serializer};

use super::MlflowClient;
use super::call::Call;
use super::pages::{Page, Pages};
use super::wire;
use crate::{Error, ErrorKind, LoggedModelId, Metric, RunId, meta};

/// A value of a metric that is to be logged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NewMetric {
    /// The name.
    pub key: String,
    /// The value; servers with a database keep infinities as the largest number.
    #[serde(with = "wire::double")]
    pub value: f64,
    /// When, in milliseconds since 1970 in UTC.
    pub timestamp: i64,
    /// The step of the training.
    pub step: i64,
    /// The logged model that was measured; servers before MLflow 3 leave it out.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "model_id")]
    pub model_id: Option<LoggedModelId>,
    /// The name of the data set on which it was measured; servers before MLflow 3 leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_name: Option<String>,
    /// The digest of that data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_digest: Option<String>,
}

impl NewMetric {
    /// A value of now.
    pub fn new(key: impl Into<String>, value: f64, step: i64) -> Self {
        Self {
            key: key.into(),
            value,
            timestamp: meta::now(),
            step,
            model_id: None,
            dataset_name: None,
            dataset_digest: None,
        }
    }

    /// The length of its texts together.
    pub(crate) fn n_text_bytes(&self) -> usize {
        let n_bytes = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.key.len() + n_bytes(&self.dataset_name) + n_bytes(&self.dataset_digest)
    }
}

/// A value of a metric, and the run that it belongs to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunMetric {
    /// The run.
    pub run_id: RunId,
    /// The value.
    pub metric: Metric,
}

/// The largest page that MLflow gives.
const PAGE: u32 = 25_000;
/// So many runs are looked at in one request.
const MAX_RUNS: usize = 100;

impl MlflowClient {
    /// All values of a metric of a run; none if it was never logged.
    pub fn metric_history(&self, run_id: &RunId, key: &str) -> Pages<Metric> {
        let call = Call::get("get the history of", "metrics/get-history")
            .target(key)
            .query("run_id", run_id)
            .query("metric_key", key)
            .query("max_results", PAGE);
        Pages::new::<Many>(&self.transport, call)
    }

    /// A sample of the values of a metric of several runs, for a chart: those of about `n` steps, evenly spread, from
    /// among `steps`, or all from 0 on; `n` is from 1 to 2500. The first and the last step of each run are always
    /// there.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such run
    /// * [`Refused`](ErrorKind::Refused) if `steps` is empty or `n` out of range
    /// * [`Unsupported`](ErrorKind::Unsupported) before MLflow 2.11
    pub async fn sample_metric_history(
        &self,
        run_ids: &[&RunId],
        key: &str,
        steps: Option<RangeInclusive<i64>>,
        n: u32,
    ) -> Result<Vec<RunMetric>, Error> {
        let get = "sample the history of";
        let mut sample = Vec::new();
        for run_ids in run_ids.chunks(MAX_RUNS) {
            let mut call = Call::get(get, "metrics/get-history-bulk-interval")
                .target(key)
                .query("metric_key", key)
                .query("max_results", n);
            if let Some(steps) = &steps {
                call = call.query("start_step", steps.start()).query("end_step", steps.end());
            }
            for run_id in run_ids {
                call = call.query("run_ids", run_id);
            }
            let Sample { metrics } = self.transport.send(call).await?;
            for OfRun { run_id, metric } in metrics {
                let malformed = |error| {
                    let target = format_args!("`{run_id}`");
                    Error::new(ErrorKind::Malformed, "read the run", target).with_source(error)
                };
                let run_id = run_id.parse().map_err(malformed)?;
                sample.push(RunMetric { run_id, metric: metric.metric() });
            }
        }
        Ok(sample)
    }
}

#[derive(Deserialize)]
pub(crate) struct Wire {
    pub(crate) key: String,
    #[serde(with = "wire::double")]
    value: f64,
    #[serde(default, with = "wire::integer")]
    timestamp: i64,
    #[serde(default, with = "wire::integer")]
    step: i64,
}

impl Wire {
    pub(crate) fn metric(&self) -> Metric {
        Metric::new(self.timestamp, self.value, self.step)
    }
}

#[derive(Deserialize)]
struct Many {
    #[serde(default)]
    metrics: Vec<Wire>,
    #[serde(default)]
    next_page_token: String,
}

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    metrics: Vec<OfRun>,
}

#[derive(Deserialize)]
struct OfRun {
    run_id: String,
    #[serde(flatten)]
    metric: Wire,
}

impl Page for Many {
    type Item = Metric;

    fn split(self) -> Result<(Vec<Metric>, String), Error> {
        Ok((self.metrics.iter().map(Wire::metric).collect(), self.next_page_token))
    }
}

#[expect(clippy::ref_option, reason = "what serde asks for")]
fn model_id<S: Serializer>(id: &Option<LoggedModelId>, output: S) -> Result<S::Ok, S::Error> {
    id.as_ref().map(LoggedModelId::as_str).serialize(output)
}
