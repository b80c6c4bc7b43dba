use std::collections::BTreeMap;

use serde_json::json;

use super::MlflowClient;
use super::artifacts::Transfer;
use super::call::Call;
use super::model_versions::One;
use super::once::RequestId;
use super::wire::pairs;
use crate::{Error, LoggedModelId, ModelVersion, RunId};

/// A version of a registered model that is to be created.
///
/// Servers of MLflow 3 want to be told the run or the logged model that a source in its artifacts comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct NewModelVersion {
    /// The URI of the model.
    pub source: String,
    /// The run that logged it.
    pub run_id: Option<RunId>,
    /// The logged model that it is; servers before MLflow 3 leave it out.
    pub model_id: Option<LoggedModelId>,
    /// What is to be known about it.
    pub description: String,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl NewModelVersion {
    /// A version of what is at the URI `source`.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            run_id: None,
            model_id: None,
            description: String::new(),
            tags: BTreeMap::new(),
        }
    }

    /// A version of a logged model.
    pub fn of_logged_model(id: LoggedModelId) -> Self {
        Self { model_id: Some(id.clone()), ..Self::new(format!("models:/{id}")) }
    }

    /// The run that logged it.
    pub fn run_id(self, run_id: RunId) -> Self {
        Self { run_id: Some(run_id), ..self }
    }

    /// The logged model that it is.
    pub fn model_id(self, model_id: LoggedModelId) -> Self {
        Self { model_id: Some(model_id), ..self }
    }

    /// What is to be known about it.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// With a further tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }
}

impl MlflowClient {
    /// Makes a model the next version of the registered model `name`.
    ///
    /// An attempt that gets no answer is looked up before it is repeated. Where the server registers versions by and
    /// by, [`await_ready`](Self::await_ready) waits for it.
    ///
    /// In Unity Catalog versions have files of their own: those of the source are copied, by way of a temporary directory
    /// of this machine, where also a source may be if [`local_artifacts`](super::MlflowClientBuilder::local_artifacts) are
    /// allowed. The catalog takes models only whose signature has inputs and outputs. A version whose files do not arrive
    /// is deleted; if that fails too, or nobody waits for the outcome, it stays pending.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if the model is not registered
    /// * [`Refused`](crate::ErrorKind::Refused) if the server does not take the source
    /// * [`Model`](crate::ErrorKind::Model) if the source is no model that Unity Catalog takes
    pub async fn create_model_version(
        &self,
        name: &str,
        version: NewModelVersion,
    ) -> Result<ModelVersion, Error> {
        self.create_version_by(name, version, &Transfer::default()).await
    }

    /// As [`create_model_version`](Self::create_model_version), where files are copied in this way.
    pub(super) async fn create_version_by(
        &self,
        name: &str,
        version: NewModelVersion,
        transfer: &Transfer,
    ) -> Result<ModelVersion, Error> {
        if self.transport.of_registry().has_unity_catalog {
            self.create_with_files(name, version, transfer).await
        } else {
            self.create_version(name, version).await
        }
    }

    /// Creates the version alone.
    pub(super) async fn create_version(
        &self,
        name: &str,
        version: NewModelVersion,
    ) -> Result<ModelVersion, Error> {
        let NewModelVersion { source, run_id, model_id, description, mut tags } = version;
        let request = RequestId::random();
        request.mark(&mut tags);
        let mut body = json!({ "name": name, "source": source, "tags": pairs(tags) });
        if let Some(run_id) = run_id {
            body["run_id"] = run_id.as_str().into();
        }
        if let Some(model_id) = model_id {
            body["model_id"] = model_id.as_str().into();
        }
        if !description.is_empty() {
            body["description"] = description.into();
        }
        let call = Call::post("create a version of", "model-versions/create", body).target(name);
        if self.transport.of_registry().has_unity_catalog {
            let made = self.version_of_request(name, &request);
            return self.once(call, made, One::try_into).await;
        }
        let made = self.search_model_versions(&request.filter()?);
        self.create::<One, _>(call, made).await
    }
}
