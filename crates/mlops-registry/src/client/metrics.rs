use std::ops::RangeInclusive;

use serde::Deserialize;

use super::MlflowClient;
use super::call::Call;
use super::pages::{Page, Pages};
use super::wire;
use crate::{Error, ErrorKind, Metric, RunId};

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
