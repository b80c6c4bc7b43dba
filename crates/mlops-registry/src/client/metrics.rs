use serde::{Deserialize, Serialize};

use super::MlflowClient;
use super::call::Call;
use super::pages::{Page, Pages};
use super::wire;
use crate::{Error, Metric, RunId, meta};

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
}

impl NewMetric {
    /// A value of now.
    pub fn new(key: impl Into<String>, value: f64, step: i64) -> Self {
        Self { key: key.into(), value, timestamp: meta::now(), step }
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
