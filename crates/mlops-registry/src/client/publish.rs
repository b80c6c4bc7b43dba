use std::collections::BTreeMap;

use mlops_core::ModelDir;
use serde_json::Value;

use super::artifacts::Transfer;
use super::datasets::ModelOutput;
use super::logged_models::{LoggedModelStatus, NewLoggedModel};
use super::model_upload::{Identity, upload};
use super::unity_catalog::{check_name, check_signature};
use super::{MlflowClient, NewModelVersion, Run};
use crate::{ArtifactPath, Error, ErrorKind, LoggedModelId, ModelVersion, RunId, random};

/// A model that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Publication {
    /// The run that made it.
    pub run_id: RunId,
    /// Its name among what the run logged.
    pub name: String,
    /// The registered model that it becomes a version of, if any; registered if it is not.
    pub registered_name: Option<String>,
    /// What is to be known about the version.
    pub description: String,
    /// The tags of the version.
    pub tags: BTreeMap<String, String>,
}

/// A model that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The logged model; `None` before MLflow 3.
    pub model_id: Option<LoggedModelId>,
    /// Where its files are.
    pub artifact_uri: String,
    /// The version, if it was registered.
    pub version: Option<ModelVersion>,
}

impl Publication {
    /// A model that a run logs under a name.
    pub fn new(run_id: RunId, name: impl Into<String>) -> Self {
        let (description, tags) = (String::new(), BTreeMap::new());
        Self { run_id, name: name.into(), registered_name: None, description, tags }
    }

    /// Makes it the next version of a registered model.
    pub fn registered_name(self, name: impl Into<String>) -> Self {
        Self { registered_name: Some(name.into()), ..self }
    }

    /// What is to be known about the version.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// With a further tag of the version.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }
}

impl MlflowClient {
    /// Uploads the model in a directory, and registers it if that is wanted: as a logged model of the run where the server
    /// has them (MLflow 3), else among the run's artifacts (MLflow 2). Python's MLflow loads it then if it has a flavor
    /// that Python knows.
    ///
    /// The files get a `SHA256SUMS`, which downloads check, and `MLmodel` goes last, so that a model that was broken off is
    /// none. If something fails after the upload began, the logged model is marked as failed.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if the name is not a plain relative path, or the registered name not one of
    ///   Unity Catalog where that has the registry
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such run
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if the run has artifacts of that name, before MLflow 3
    /// * [`Model`](ErrorKind::Model) if the directory is not a model's, or not one's that Unity Catalog takes
    /// * what goes wrong with the server
    pub async fn publish(
        &self,
        model: &ModelDir,
        publication: &Publication,
        transfer: &Transfer,
    ) -> Result<Published, Error> {
        let name = publication.name.as_str();
        let checked: Result<ArtifactPath, _> = name.parse();
        checked.map_err(|error| Error::name("publish the model", name, error))?;
        if let Some(registered) = &publication.registered_name
            && self.transport.of_registry().has_unity_catalog
        {
            check_name("publish the model", registered)?;
            check_signature(model, &format!("`{}`", model.path().display()))?;
        }
        let run = self.run(&publication.run_id).await?;
        let mut published = if self.server_info().await?.has_logged_models {
            self.as_logged_model(model, &run, name, transfer).await?
        } else {
            self.as_artifact(model, &run, name, transfer).await?
        };
        if let Some(registered) = &publication.registered_name {
            let version =
                self.register_published(registered, &published, publication, transfer).await?;
            published.version = Some(version);
        }
        Ok(published)
    }

    /// The way of MLflow 3.
    async fn as_logged_model(
        &self,
        model: &ModelDir,
        run: &Run,
        name: &str,
        transfer: &Transfer,
    ) -> Result<Published, Error> {
        let new = NewLoggedModel::new(name).source_run_id(run.id.clone());
        let logged = self.create_logged_model(&run.experiment_id, new).await?;
        let identity = Identity {
            artifact_path: logged.artifact_uri.clone(),
            model_id: Some(logged.id.clone()),
            model_uuid: logged.id.to_string(),
            run_id: run.id.clone(),
        };
        let outcome = async {
            let target = self.artifact_repository(&logged.artifact_uri)?;
            upload(model, &identity, &target, "", transfer).await?;
            self.log_outputs(&run.id, &[ModelOutput::new(logged.id.clone(), 0)]).await
        };
        let outcome = outcome.await;
        let status = match outcome {
            Ok(()) => LoggedModelStatus::Ready,
            Err(_) => LoggedModelStatus::UploadFailed,
        };
        let finalized = self.finalize_logged_model(&logged.id, status).await;
        // Of two errors the first is the reason.
        outcome?;
        finalized?;
        Ok(Published {
            model_id: Some(logged.id),
            artifact_uri: logged.artifact_uri,
            version: None,
        })
    }

    /// The way of MLflow 2.
    async fn as_artifact(
        &self,
        model: &ModelDir,
        run: &Run,
        name: &str,
        transfer: &Transfer,
    ) -> Result<Published, Error> {
        let identity = Identity {
            artifact_path: name.to_owned(),
            model_id: None,
            model_uuid: random::hexadecimal_id(),
            run_id: run.id.clone(),
        };
        let target = self.artifact_repository(&run.artifact_uri)?;
        if !target.list_below(name).await?.is_empty() {
            // It may be somebody's version.
            let artifact = format_args!("`{}/{name}`", target.uri());
            return Err(Error::new(ErrorKind::AlreadyExists, "publish", artifact));
        }
        let description = upload(model, &identity, &target, name, transfer).await?;
        self.log_model(&run.id, &Value::Object(description).to_string()).await?;
        let artifact_uri = format!("{}/{name}", target.uri());
        Ok(Published { model_id: None, artifact_uri, version: None })
    }

    async fn register_published(
        &self,
        name: &str,
        published: &Published,
        publication: &Publication,
        transfer: &Transfer,
    ) -> Result<ModelVersion, Error> {
        self.register(name).await?;
        let version = match &published.model_id {
            Some(id) => NewModelVersion::of_logged_model(id.clone()),
            None => NewModelVersion::new(&published.artifact_uri),
        };
        let mut version =
            version.run_id(publication.run_id.clone()).description(&publication.description);
        version.tags = publication.tags.clone();
        self.create_version_by(name, version, transfer).await
    }
}
