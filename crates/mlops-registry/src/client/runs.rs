use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::filter::{Compare, Filter};
use super::metrics::{self, NewMetric};
use super::pages::{Page, Pages};
use super::wire;
use crate::{Error, ErrorKind, Experiment, Metric, RunId, RunStatus, env, meta, random};

/// A run as a server has it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// The identifier.
    pub id: RunId,
    /// The experiment that it belongs to.
    pub experiment_id: String,
    /// The name, not unique.
    pub name: String,
    /// How far the run is.
    pub status: RunStatus,
    /// When it started, in milliseconds since 1970 in UTC.
    pub start_time: i64,
    /// When it ended, in milliseconds since 1970 in UTC.
    pub end_time: Option<i64>,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// The latest value of each metric.
    pub metrics: BTreeMap<String, Metric>,
    /// The parameters.
    pub params: BTreeMap<String, String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

/// A run that is to be created.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NewRun {
    /// The name; the server chooses one for an empty name.
    pub name: String,
    /// The run that this one is part of.
    pub parent: Option<RunId>,
    /// Further tags.
    pub tags: BTreeMap<String, String>,
}

/// What is logged at once.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LogBatch {
    /// Values of metrics.
    pub metrics: Vec<NewMetric>,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// Names the request that created a run, so that an attempt without an answer is not made twice.
const REQUEST_TAG: &str = "mlops.request_id";
const PARENT_TAG: &str = "mlflow.parentRunId";
/// The largest batch that MLflow takes: of everything, and of parameters or tags.
const MAX_ENTITIES: usize = 1000;
const MAX_TEXTS: usize = 100;
/// A little less than the megabyte that Databricks takes.
const MAX_BYTES: usize = 900_000;
const PAGE: u32 = 1000;

impl NewRun {
    /// A run with a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl MlflowClient {
    /// Creates a run that is `Running`, with MLflow's standard tags.
    ///
    /// An attempt that gets no answer is looked up before it is repeated.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such experiment.
    pub async fn create_run(&self, experiment: &Experiment, run: NewRun) -> Result<Run, Error> {
        let request_id = random::hexadecimal_id();
        let NewRun { name, parent, mut tags } = run;
        let standard = [
            ("mlflow.user", env::user()),
            ("mlflow.source.name", env::program()),
            ("mlflow.source.type", "LOCAL".to_owned()),
            (REQUEST_TAG, request_id.clone()),
        ];
        tags.extend(standard.map(|(key, value)| (key.to_owned(), value)));
        if let Some(parent) = parent {
            tags.insert(PARENT_TAG.to_owned(), parent.to_string());
        }
        let mut body = json!({
            "experiment_id": experiment.id,
            "start_time": meta::now(),
            "tags": pairs(tags),
        });
        if !name.is_empty() {
            body["run_name"] = name.as_str().into();
        }
        let call = Call::post("create the run", "runs/create", body).target(&name);
        let find = async || {
            // The tag is 32 hexadecimal digits, which can be said in a filter.
            let by_tag = Filter::tag(REQUEST_TAG, Compare::Equal, &request_id).unwrap_or_default();
            let mut found = self.search_runs(&[&experiment.id], &by_tag, &[]);
            Ok(found.next().await?.and_then(|page| page.into_iter().next()))
        };
        let answer: Result<One, Error> = self.transport.send(call.clone()).await;
        match answer {
            Ok(One { run }) => run.try_into(),
            Err(error) if error.is_ambiguous() => match find().await? {
                Some(run) => Ok(run),
                None => self.transport.send::<One>(call).await?.run.try_into(),
            },
            Err(error) => Err(error),
        }
    }

    /// The run with this identifier, also if it was deleted.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn run(&self, id: &RunId) -> Result<Run, Error> {
        let call = Call::get("get the run", "runs/get").query("run_id", id).target(id);
        self.transport.send::<One>(call).await?.run.try_into()
    }

    /// The runs of some experiments for which a filter holds, in an order such as `metrics.loss ASC`; the newest first
    /// by default.
    pub fn search_runs(
        &self,
        experiment_ids: &[&str],
        filter: &Filter,
        order_by: &[&str],
    ) -> Pages<Run> {
        let body = json!({
            "experiment_ids": experiment_ids,
            "filter": filter.as_str(),
            "order_by": order_by,
            "max_results": PAGE,
        });
        let call = Call::post("search", "runs/search", body).target("runs").idempotent();
        Pages::new::<Many>(&self.transport, call)
    }

    /// Ends a run.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn finish_run(&self, id: &RunId, status: RunStatus) -> Result<(), Error> {
        let body =
            json!({ "run_id": id.as_str(), "status": status.as_str(), "end_time": meta::now() });
        let call = Call::post("finish the run", "runs/update", body).target(id);
        self.transport.run(call.idempotent()).await
    }

    /// Deletes a run; MLflow can restore it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn delete_run(&self, id: &RunId) -> Result<(), Error> {
        let call = Call::post("delete the run", "runs/delete", json!({ "run_id": id.as_str() }));
        self.transport.run(call.target(id).idempotent()).await
    }

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
    /// As [`log_batch`](Self::log_batch); [`Refused`](ErrorKind::Refused) if it has another value already.
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
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such run
    /// * [`Refused`](ErrorKind::Refused) if a key is not allowed, or a parameter has another value already
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

impl Pair {
    fn of((key, value): &(String, String)) -> Self {
        Self { key: key.clone(), value: value.clone() }
    }
}

fn pairs(map: BTreeMap<String, String>) -> Vec<Pair> {
    map.into_iter().map(|(key, value)| Pair { key, value }).collect()
}

/// What goes into one request.
#[derive(Debug, Default, PartialEq)]
struct Part {
    metrics: Vec<NewMetric>,
    params: Vec<Pair>,
    tags: Vec<Pair>,
    n_bytes: usize,
}

/// One thing of a batch.
enum Entity<'a> {
    Metric(&'a NewMetric),
    Param(&'a (String, String)),
    Tag(&'a (String, String)),
}

impl Part {
    fn has_room(&self, entity: &Entity<'_>) -> bool {
        let n = self.metrics.len() + self.params.len() + self.tags.len();
        let n_alike = match entity {
            Entity::Metric(_) => 0,
            Entity::Param(_) => self.params.len(),
            Entity::Tag(_) => self.tags.len(),
        };
        n < MAX_ENTITIES && n_alike < MAX_TEXTS && self.n_bytes + entity.n_bytes() <= MAX_BYTES
    }

    fn push(&mut self, entity: &Entity<'_>) {
        self.n_bytes += entity.n_bytes();
        match entity {
            Entity::Metric(metric) => self.metrics.push((*metric).clone()),
            Entity::Param(pair) => self.params.push(Pair::of(pair)),
            Entity::Tag(pair) => self.tags.push(Pair::of(pair)),
        }
    }
}

impl Entity<'_> {
    /// What it takes in JSON, at most.
    fn n_bytes(&self) -> usize {
        // A control character becomes six.
        match self {
            Self::Metric(metric) => 128 + 6 * metric.key.len(),
            Self::Param((key, value)) | Self::Tag((key, value)) => {
                32 + 6 * (key.len() + value.len())
            }
        }
    }
}

fn parts(batch: &LogBatch) -> Vec<Part> {
    let metrics = batch.metrics.iter().map(Entity::Metric);
    let params = batch.params.iter().map(Entity::Param);
    let tags = batch.tags.iter().map(Entity::Tag);
    let mut parts: Vec<Part> = Vec::new();
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

#[derive(Deserialize)]
struct Wire {
    info: Info,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize)]
struct Info {
    run_id: String,
    experiment_id: String,
    #[serde(default)]
    run_name: String,
    status: String,
    #[serde(default, with = "wire::integer")]
    start_time: i64,
    #[serde(default, with = "wire::integer::option")]
    end_time: Option<i64>,
    #[serde(default)]
    artifact_uri: String,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    metrics: Vec<metrics::Wire>,
    #[serde(default)]
    params: Vec<Pair>,
    #[serde(default)]
    tags: Vec<Pair>,
}

#[derive(Deserialize)]
struct One {
    run: Wire,
}

#[derive(Deserialize)]
struct Many {
    #[serde(default)]
    runs: Vec<Wire>,
    #[serde(default)]
    next_page_token: String,
}

impl TryFrom<Wire> for Run {
    type Error = Error;

    fn try_from(Wire { info, data }: Wire) -> Result<Self, Error> {
        let malformed = |target: &str| {
            Error::new(ErrorKind::Malformed, "read the run", format_args!("`{target}`"))
        };
        let status = RunStatus::from_name(&info.status).ok_or_else(|| malformed(&info.status))?;
        Ok(Self {
            id: info.run_id.parse().map_err(|_| malformed(&info.run_id))?,
            experiment_id: info.experiment_id,
            name: info.run_name,
            status,
            start_time: info.start_time,
            end_time: info.end_time,
            artifact_uri: info.artifact_uri,
            metrics: data.metrics.iter().map(|each| (each.key.clone(), each.metric())).collect(),
            params: map(data.params),
            tags: map(data.tags),
        })
    }
}

impl Page for Many {
    type Item = Run;

    fn split(self) -> Result<(Vec<Run>, String), Error> {
        let runs = self.runs.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok((runs, self.next_page_token))
    }
}

pub(crate) fn map(pairs: Vec<Pair>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|Pair { key, value }| (key, value)).collect()
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
