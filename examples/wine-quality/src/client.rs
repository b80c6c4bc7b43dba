use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use mlops_core::Records;
use mlops_drift::holm;
use serde::Deserialize;

use crate::error::Error;

/// Speaks to the service as any program would: through HTTP.
#[derive(Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
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

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { agent: ureq::Agent::new_with_defaults(), url: format!("http://{address}/predict") }
    }

    pub(crate) fn predict(&self, records: &Records) -> Result<Answer, Error> {
        let body = serde_json::to_vec(records).map_err(Error::Answer)?;
        let request = self.agent.post(&self.url).header("content-type", "application/json");
        let body = request.send(&body)?.body_mut().read_to_vec()?;
        let [answer]: [Answer; 1] = serde_json::from_slice(&body).map_err(Error::Answer)?;
        Ok(answer)
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
