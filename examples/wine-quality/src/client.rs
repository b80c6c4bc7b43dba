use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mlops_core::Records;
use mlops_drift::holm;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Speaks to the service as any program would: through HTTP.
#[derive(Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    origin: String,
}

/// What the service answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    predictions: Vec<u8>,
    monitoring: Monitoring,
}

#[derive(Debug, Deserialize)]
struct Monitoring {
    drift: Drift,
    outliers: Outliers,
}

#[derive(Debug, Deserialize)]
struct Drift {
    p_value: BTreeMap<String, Option<f64>>,
}

#[derive(Debug, Deserialize)]
struct Outliers {
    is_outlier: Vec<u8>,
}

/// The probabilities of wines, and the name under which their truth may be told.
#[derive(Debug, Deserialize)]
pub(crate) struct Probabilities {
    pub(crate) request_id: String,
    pub(crate) probabilities: Vec<f32>,
}

/// The truth about a wine.
#[derive(Debug, Serialize)]
pub(crate) struct Label {
    pub(crate) request_id: Arc<str>,
    pub(crate) row: usize,
    #[serde(rename = "label")]
    pub(crate) class: u8,
}

/// What a monitor has seen since the model in use is.
#[derive(Debug, Deserialize)]
pub(crate) struct Watched {
    pub(crate) n_rows: usize,
    alarms: Vec<Alarm>,
}

#[derive(Debug, Deserialize)]
struct Alarm {
    feature: Option<String>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        // The service is on this machine, whatever proxies there are.
        let config = ureq::Agent::config_builder().proxy(None).build();
        Self { agent: config.new_agent(), origin: format!("http://{address}") }
    }

    /// What the original's path says of wines.
    pub(crate) fn predict(&self, records: &Records) -> Result<Answer, Error> {
        let [answer]: [Answer; 1] = read(&self.post("/predict", records)?)?;
        Ok(answer)
    }

    /// What the path of a model says of wines.
    pub(crate) fn probabilities(
        &self,
        model: &str,
        records: &Records,
    ) -> Result<Probabilities, Error> {
        read(&self.post(&format!("/v1/models/{model}/predict"), records)?)
    }

    /// Tells the truth about wines.
    pub(crate) fn feedback(&self, labels: &[Label]) -> Result<(), Error> {
        self.post("/v1/feedback", &labels).map(drop)
    }

    /// What the first monitor of the model has seen.
    pub(crate) fn watched(&self) -> Result<Watched, Error> {
        #[derive(Deserialize)]
        struct Body {
            models: [Model; 1],
        }
        #[derive(Deserialize)]
        struct Model {
            monitors: [Monitor; 1],
        }
        #[derive(Deserialize)]
        struct Monitor {
            snapshot: Watched,
        }
        let url = format!("{}/v1/drift", self.origin);
        let body = self.agent.get(&url).call()?.body_mut().read_to_vec()?;
        let Body { models: [Model { monitors: [Monitor { snapshot }] }] } = read(&body)?;
        Ok(snapshot)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<Vec<u8>, Error> {
        let body = serde_json::to_vec(body).map_err(Error::Answer)?;
        let request = self.agent.post(format!("{}{path}", self.origin));
        let request = request.header("content-type", "application/json");
        Ok(request.send(&body)?.body_mut().read_to_vec()?)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(Error::Answer)
}

impl Watched {
    /// The features that have rung.
    pub(crate) fn rung(&self) -> Vec<String> {
        let mut features: Vec<String> =
            self.alarms.iter().filter_map(|alarm| alarm.feature.clone()).collect();
        features.sort_unstable();
        features.dedup();
        features
    }
}

impl Answer {
    /// The features that have drifted if all of them are judged together.
    pub(crate) fn drifted(&self, family_wise_level: f64) -> Result<Vec<String>, Error> {
        let tested = self.monitoring.drift.p_value.iter();
        let (names, p_values): (Vec<&String>, Vec<f64>) =
            tested.filter_map(|(name, p_value)| Some((name, (*p_value)?))).unzip();
        let adjusted = holm(&p_values)?;
        let drifted =
            names.into_iter().zip(adjusted).filter(|(_, p_value)| *p_value < family_wise_level);
        Ok(drifted.map(|(name, _)| name.clone()).collect())
    }

    pub(crate) fn n_good(&self) -> u32 {
        self.predictions.iter().map(|prediction| u32::from(*prediction)).sum()
    }

    pub(crate) fn n_odd(&self) -> u32 {
        self.odd().map(u32::from).sum()
    }

    /// Whether each wine is odd.
    pub(crate) fn odd(&self) -> impl Iterator<Item = bool> {
        self.monitoring.outliers.is_outlier.iter().map(|is_outlier| *is_outlier == 1)
    }
}

/// How long requests took.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn push(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    pub(crate) fn requests_per_second(&self) -> f64 {
        self.0.len() as f64 / self.0.iter().sum::<Duration>().as_secs_f64()
    }

    /// The latency that a share of the requests did not exceed, in milliseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
        let position = (sorted.len() as f64 * share) as usize;
        let latency = sorted.get(position).or_else(|| sorted.last());
        latency.map_or(0.0, |latency| 1000.0 * latency.as_secs_f64())
    }
}
