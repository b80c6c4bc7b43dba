use serde::Deserialize;

use super::MlflowClient;
use super::call::Call;
use super::pages::{Page, Pages};
use super::wire;
use crate::{Error, Metric, RunId};

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

impl Page for Many {
    type Item = Metric;

    fn split(self) -> Result<(Vec<Metric>, String), Error> {
        Ok((self.metrics.iter().map(Wire::metric).collect(), self.next_page_token))
    }
}

/// The largest page that MLflow gives.
const PAGE: u32 = 25_000;

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
}
