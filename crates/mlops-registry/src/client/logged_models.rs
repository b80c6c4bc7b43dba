use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::metrics;
use super::once::RequestId;
use super::wire::{self, Pair, filled, map, pairs};
use crate::file_uri::percent_encode;
use crate::{Error, ErrorKind, LoggedModelId, Metric, RunId};

/// A model that MLflow 3 keeps below its experiment, and not below the run that logged it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoggedModel {
    /// The identifier.
    pub id: LoggedModelId,
    /// The experiment that it belongs to.
    pub experiment_id: String,
    /// The name, not unique.
    pub name: String,
    /// How far its files are.
    pub status: LoggedModelStatus,
    /// What kind of model it is, if whoever logged it said so.
    pub model_type: Option<String>,
    /// The run that logged it.
    pub source_run_id: Option<RunId>,
    /// Where its files are.
    pub artifact_uri: String,
    /// When it was created, in milliseconds since 1970 in UTC.
    pub creation_timestamp: i64,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The parameters.
    pub params: BTreeMap<String, String>,
    /// What was measured: the latest value for each metric, run and data set.
    pub metrics: Vec<LoggedModelMetric>,
}

/// How far the files of a [`LoggedModel`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoggedModelStatus {
    /// They are being written.
    Pending,
    /// They are there.
    Ready,
    /// Some could not be written.
    UploadFailed,
}

/// A value of a metric of a [`LoggedModel`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoggedModelMetric {
    /// The name of the metric.
    pub key: String,
    /// The value; MLflow keeps 0 here for one that is not a number.
    pub metric: Metric,
    /// The run that measured it.
    pub run_id: Option<RunId>,
    /// The name of the data set on which it was measured.
    pub dataset_name: Option<String>,
    /// The digest of that data set.
    pub dataset_digest: Option<String>,
}

/// A logged model that is to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct NewLoggedModel {
    /// The name; the server chooses one for an empty name.
    pub name: String,
    /// What kind of model it is.
    pub model_type: Option<String>,
    /// The run that logs it.
    pub source_run_id: Option<RunId>,
    /// The parameters.
    pub params: BTreeMap<String, String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

/// So many parameters go into one request.
const MAX_PARAMS: usize = 100;

impl LoggedModelStatus {
    const ALL: [Self; 3] = [Self::Pending, Self::Ready, Self::UploadFailed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "LOGGED_MODEL_PENDING",
            Self::Ready => "LOGGED_MODEL_READY",
            Self::UploadFailed => "LOGGED_MODEL_UPLOAD_FAILED",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl NewLoggedModel {
    /// A model with a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// What kind of model it is.
    pub fn model_type(self, model_type: impl Into<String>) -> Self {
        Self { model_type: Some(model_type.into()), ..self }
    }

    /// The run that logs it.
    pub fn source_run_id(self, run_id: RunId) -> Self {
        Self { source_run_id: Some(run_id), ..self }
    }

    /// With a further parameter.
    pub fn param(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.insert(key.into(), value.into());
        self
    }

    /// With a further tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }
}

impl MlflowClient {
    /// Creates a logged model that is `Pending`; its files go to its `artifact_uri`, and then
    /// [`finalize_logged_model`](Self::finalize_logged_model) says that they are there.
    ///
    /// An attempt that gets no answer is looked up before it is repeated.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such experiment
    /// * [`Refused`](ErrorKind::Refused) if the name is not allowed
    /// * [`Unsupported`](ErrorKind::Unsupported) before MLflow 3
    pub async fn create_logged_model(
        &self,
        experiment_id: &str,
        model: NewLoggedModel,
    ) -> Result<LoggedModel, Error> {
        let NewLoggedModel { name, model_type, source_run_id, params, mut tags } = model;
        let request = RequestId::random();
        request.mark(&mut tags);
        let mut params = pairs(params);
        let more = params.split_off(MAX_PARAMS.min(params.len()));
        let mut body =
            json!({ "experiment_id": experiment_id, "params": params, "tags": pairs(tags) });
        if !name.is_empty() {
            body["name"] = name.as_str().into();
        }
        if let Some(model_type) = model_type {
            body["model_type"] = model_type.into();
        }
        if let Some(run_id) = source_run_id {
            body["source_run_id"] = run_id.as_str().into();
        }
        let call = Call::post("create the logged model", "logged-models", body).target(&name);
        let made = self.search_logged_models(&[experiment_id], &request.filter()?, &[]);
        let created = self.create::<One, LoggedModel>(call, made).await?;
        if more.is_empty() {
            return Ok(created);
        }
        self.log_pairs(&created.id, &more).await?;
        self.logged_model(&created.id).await
    }

    /// The logged model with this identifier.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is none
    /// * [`Unsupported`](ErrorKind::Unsupported) before MLflow 3
    pub async fn logged_model(&self, id: &LoggedModelId) -> Result<LoggedModel, Error> {
        let call = Call::get("get the logged model", format!("logged-models/{id}")).target(id);
        self.transport.send::<One>(call).await?.try_into()
    }

    /// Says whether the files of a logged model are there.
    ///
    /// # Errors
    /// As [`logged_model`](Self::logged_model).
    pub async fn finalize_logged_model(
        &self,
        id: &LoggedModelId,
        status: LoggedModelStatus,
    ) -> Result<LoggedModel, Error> {
        // MLflow does not take the identifier from the address.
        let body = json!({ "model_id": id.as_str(), "status": status.as_str() });
        let finalize = "finalize the logged model";
        let call = Call::patch(finalize, format!("logged-models/{id}"), body).target(id);
        self.transport.send::<One>(call.idempotent()).await?.try_into()
    }

    /// Deletes a logged model.
    ///
    /// # Errors
    /// As [`logged_model`](Self::logged_model).
    pub async fn delete_logged_model(&self, id: &LoggedModelId) -> Result<(), Error> {
        let body = json!({ "model_id": id.as_str() });
        let call = Call::delete("delete the logged model", format!("logged-models/{id}"), body);
        self.transport.run(call.target(id)).await
    }

    /// Sets tags of a logged model; the others stay.
    ///
    /// # Errors
    /// As [`logged_model`](Self::logged_model).
    pub async fn set_logged_model_tags(
        &self,
        id: &LoggedModelId,
        tags: &[(String, String)],
    ) -> Result<(), Error> {
        let tags: Vec<_> = tags.iter().cloned().map(Pair::from).collect();
        let body = json!({ "model_id": id.as_str(), "tags": tags });
        let call = Call::patch("tag the logged model", format!("logged-models/{id}/tags"), body);
        self.transport.run(call.target(id).idempotent()).await
    }

    /// Removes a tag of a logged model.
    ///
    /// # Errors
    /// As [`logged_model`](Self::logged_model), and [`Unsupported`](ErrorKind::Unsupported) if the key has a `/`, which
    /// MLflow cannot tell from those of the address.
    pub async fn delete_logged_model_tag(
        &self,
        id: &LoggedModelId,
        key: &str,
    ) -> Result<(), Error> {
        let encoded = percent_encode(key.as_bytes(), b"_.-~");
        let path = format!("logged-models/{id}/tags/{encoded}");
        let body = json!({ "model_id": id.as_str(), "tag_key": key });
        let call = Call::delete("delete the tag of the logged model", path, body).target(id);
        self.transport.run(call).await
    }

    /// Logs parameters of a logged model, in requests as large as MLflow takes.
    ///
    /// # Errors
    /// As [`logged_model`](Self::logged_model), and [`Refused`](ErrorKind::Refused) if a key is not allowed.
    pub async fn log_logged_model_params(
        &self,
        id: &LoggedModelId,
        params: &[(String, String)],
    ) -> Result<(), Error> {
        let params: Vec<_> = params.iter().cloned().map(Pair::from).collect();
        self.log_pairs(id, &params).await
    }

    async fn log_pairs(&self, id: &LoggedModelId, params: &[Pair]) -> Result<(), Error> {
        for params in params.chunks(MAX_PARAMS) {
            let path = format!("logged-models/{id}/params");
            // MLflow does not take the identifier from the address.
            let body = json!({ "model_id": id.as_str(), "params": params });
            let call = Call::post("log to the logged model", path, body).target(id);
            // MLflow takes no parameter twice, and all of a request or none.
            let find = async {
                let logged = self.logged_model(id).await?.params;
                Ok(params.iter().all(|it| logged.get(&it.key) == Some(&it.value)).then_some(()))
            };
            self.once(call, find, |_: IgnoredAny| Ok(())).await?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct One {
    model: Wire,
}

#[derive(Deserialize)]
pub(crate) struct Wire {
    info: Info,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize)]
struct Info {
    model_id: String,
    #[serde(default)]
    experiment_id: String,
    #[serde(default)]
    name: String,
    #[serde(default, with = "wire::integer")]
    creation_timestamp_ms: i64,
    #[serde(default)]
    artifact_uri: String,
    status: String,
    #[serde(default)]
    model_type: String,
    #[serde(default)]
    source_run_id: String,
    #[serde(default)]
    tags: Vec<Pair>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    params: Vec<Pair>,
    #[serde(default)]
    metrics: Vec<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    #[serde(flatten)]
    metric: metrics::Wire,
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    dataset_name: String,
    #[serde(default)]
    dataset_digest: String,
}

impl TryFrom<One> for LoggedModel {
    type Error = Error;

    fn try_from(One { model }: One) -> Result<Self, Error> {
        model.try_into()
    }
}

impl TryFrom<Wire> for LoggedModel {
    type Error = Error;

    fn try_from(Wire { info, data }: Wire) -> Result<Self, Error> {
        let malformed = |target: &str| {
            Error::new(ErrorKind::Malformed, "read the logged model", format_args!("`{target}`"))
        };
        let run_id = |id: String| {
            filled(id).map(|id| id.parse::<RunId>().map_err(|_| malformed(&id))).transpose()
        };
        let status =
            LoggedModelStatus::from_name(&info.status).ok_or_else(|| malformed(&info.status))?;
        let mut metrics = Vec::new();
        for measured in data.metrics {
            metrics.push(LoggedModelMetric {
                metric: measured.metric.metric(),
                key: measured.metric.key,
                run_id: run_id(measured.run_id)?,
                dataset_name: filled(measured.dataset_name),
                dataset_digest: filled(measured.dataset_digest),
            });
        }
        Ok(Self {
            id: info.model_id.parse().map_err(|_| malformed(&info.model_id))?,
            experiment_id: info.experiment_id,
            name: info.name,
            status,
            model_type: filled(info.model_type),
            source_run_id: run_id(info.source_run_id)?,
            artifact_uri: info.artifact_uri,
            creation_timestamp: info.creation_timestamp_ms,
            tags: map(info.tags),
            params: map(data.params),
            metrics,
        })
    }
}
