use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::datasets::{ModelOutput, RunInputs, WireInputs, WireOutputs};
use super::metrics;
use super::once::RequestId;
use super::pages::{Page, Pages};
use super::wire::{self, Pair, map, pairs};
use crate::{Error, ErrorKind, Experiment, Filter, Metric, RunId, RunStatus, env, meta};

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
    /// The data sets and models that it was given.
    pub inputs: RunInputs,
    /// The logged models that it made.
    pub outputs: Vec<ModelOutput>,
}

/// What is to be changed of a run; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunUpdate {
    /// The name.
    pub name: Option<String>,
    /// How far the run is.
    pub status: Option<RunStatus>,
    /// When it ended, in milliseconds since 1970 in UTC.
    pub end_time: Option<i64>,
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

const PARENT_TAG: &str = "mlflow.parentRunId";
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
        let NewRun { name, parent, mut tags } = run;
        let standard = [
            ("mlflow.user", env::user()),
            ("mlflow.source.name", env::program()),
            ("mlflow.source.type", "LOCAL".to_owned()),
        ];
        for (key, value) in standard {
            tags.entry(key.to_owned()).or_insert(value);
        }
        let request = RequestId::random();
        request.mark(&mut tags);
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
        let made = self.search_runs(&[&experiment.id], &request.filter()?, &[]);
        self.create::<One, _>(call, made).await
    }

    /// The run with this identifier, also if it was deleted.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn run(&self, id: &RunId) -> Result<Run, Error> {
        let call = Call::get("get the run", "runs/get").query("run_id", id).target(id);
        self.transport.send::<One>(call).await?.try_into()
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
        let (status, end_time) = (Some(status), Some(meta::now()));
        self.update_run(id, &RunUpdate { status, end_time, ..RunUpdate::default() }).await
    }

    /// Gives a run another name.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn rename_run(&self, id: &RunId, name: &str) -> Result<(), Error> {
        let name = Some(name.to_owned());
        self.update_run(id, &RunUpdate { name, ..RunUpdate::default() }).await
    }

    /// Changes a run, be it finished already.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn update_run(&self, id: &RunId, update: &RunUpdate) -> Result<(), Error> {
        let RunUpdate { name, status, end_time } = update;
        let mut body = json!({ "run_id": id.as_str() });
        if let Some(name) = name {
            body["run_name"] = name.as_str().into();
        }
        if let Some(status) = status {
            body["status"] = status.as_str().into();
        }
        if let Some(end_time) = end_time {
            body["end_time"] = (*end_time).into();
        }
        let call = Call::post("update the run", "runs/update", body).target(id);
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

    /// Brings a deleted run back.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, or MLflow has removed it for good.
    pub async fn restore_run(&self, id: &RunId) -> Result<(), Error> {
        let call = Call::post("restore the run", "runs/restore", json!({ "run_id": id.as_str() }));
        self.transport.run(call.target(id).idempotent()).await
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such run, or it has no such tag.
    pub async fn delete_tag(&self, run_id: &RunId, key: &str) -> Result<(), Error> {
        let body = json!({ "run_id": run_id.as_str(), "key": key });
        let call = Call::post("delete the tag of", "runs/delete-tag", body).target(run_id);
        self.transport.run(call).await
    }
}

#[derive(Deserialize)]
struct Wire {
    info: Info,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    inputs: WireInputs,
    #[serde(default)]
    outputs: WireOutputs,
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

    fn try_from(Wire { info, data, inputs, outputs }: Wire) -> Result<Self, Error> {
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
            inputs: inputs.try_into()?,
            outputs: outputs.models()?,
        })
    }
}

impl TryFrom<One> for Run {
    type Error = Error;

    fn try_from(One { run }: One) -> Result<Self, Error> {
        run.try_into()
    }
}

impl Page for Many {
    type Item = Run;

    fn split(self) -> Result<(Vec<Run>, String), Error> {
        let runs = self.runs.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok((runs, self.next_page_token))
    }
}
