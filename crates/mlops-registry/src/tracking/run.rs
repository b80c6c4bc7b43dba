use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "client")]
use mlops_core::ModelDir;
use mlops_core::{SaveModel, durable};

#[cfg(feature = "client")]
use crate::blocking::{MlflowClient, ServerRun};
#[cfg(feature = "client")]
use crate::client;
use crate::{
    ArtifactPath, DatasetInput, Error, LogBatch, LogSink, ModelUri, NewMetric, Run, RunId,
    RunStatus,
};

/// A run of [`Tracking`](crate::Tracking). The handle is cheap, and what it is given is there when the call returns; a
/// [`RunLogger`](crate::RunLogger) takes values without a wait.
#[derive(Clone, Debug)]
pub struct TrackedRun {
    backend: Backend,
}

#[derive(Clone, Debug)]
enum Backend {
    Local(Run),
    #[cfg(feature = "client")]
    Server {
        sink: ServerRun,
        client: MlflowClient,
        run: Box<client::Run>,
    },
}

/// A model that a run has logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackedModel {
    /// What it is found by.
    pub uri: ModelUri,
    /// The run.
    pub(super) run_id: RunId,
    /// Where a server has its files.
    #[cfg(feature = "client")]
    pub(super) artifact_uri: Option<String>,
}

impl TrackedRun {
    pub(super) fn local(run: Run) -> Self {
        Self { backend: Backend::Local(run) }
    }

    #[cfg(feature = "client")]
    pub(super) fn server(client: MlflowClient, run: client::Run) -> Self {
        let sink = ServerRun::new(client.clone(), run.id.clone());
        Self { backend: Backend::Server { sink, client, run: Box::new(run) } }
    }

    /// The identifier.
    pub fn id(&self) -> &RunId {
        match &self.backend {
            Backend::Local(run) => run.id(),
            #[cfg(feature = "client")]
            Backend::Server { run, .. } => &run.id,
        }
    }

    /// The directory of the run's artifacts, if they are kept in one of this machine; what a program writes there is an
    /// artifact. Those of servers go there by [`log_artifacts`](Self::log_artifacts).
    ///
    /// # Errors
    /// What goes wrong with the store.
    pub fn artifacts_dir(&self) -> Result<Option<PathBuf>, Error> {
        match &self.backend {
            Backend::Local(run) => run.artifacts().map(Some),
            #[cfg(feature = "client")]
            Backend::Server { .. } => Ok(None),
        }
    }

    /// Logs a value of a metric at this moment.
    ///
    /// # Errors
    /// As [`log_batch`](LogSink::log_batch).
    pub fn log_metric(&self, key: &str, value: f64, step: i64) -> Result<(), Error> {
        let metrics = vec![NewMetric::new(key, value, step)];
        self.log_batch(&LogBatch { metrics, ..LogBatch::default() })
    }

    /// Logs a parameter, once; the same value may be logged again.
    ///
    /// # Errors
    /// As [`log_batch`](LogSink::log_batch).
    pub fn log_param(&self, key: &str, value: impl Display) -> Result<(), Error> {
        let params = vec![(key.to_owned(), value.to_string())];
        self.log_batch(&LogBatch { params, ..LogBatch::default() })
    }

    /// Sets a tag, replacing the old value.
    ///
    /// # Errors
    /// As [`log_batch`](LogSink::log_batch).
    pub fn set_tag(&self, key: &str, value: impl Display) -> Result<(), Error> {
        let tags = vec![(key.to_owned(), value.to_string())];
        self.log_batch(&LogBatch { tags, ..LogBatch::default() })
    }

    /// Records data sets that the run is given. One that is recorded already stays as it is.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if MLflow would refuse a name, a digest or the key of a tag
    /// * what goes wrong with store or server
    pub fn log_inputs(&self, datasets: &[DatasetInput]) -> Result<(), Error> {
        match &self.backend {
            Backend::Local(run) => run.log_inputs(datasets),
            #[cfg(feature = "client")]
            Backend::Server { client, run, .. } => client.log_inputs(&run.id, datasets, &[]),
        }
    }

    /// Copies the files in a folder to the artifacts of the run, below `path`; an empty one is their root. Each file appears
    /// whole, and replaces one of its name.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if the path is not a plain relative one
    /// * [`Io`](crate::ErrorKind::Io) if the folder cannot be read
    /// * what goes wrong with store or server
    pub fn log_artifacts(&self, folder: &Path, path: &str) -> Result<(), Error> {
        if !path.is_empty() {
            let checked: Result<ArtifactPath, _> = path.parse();
            checked.map_err(|error| Error::name("log the artifacts", path, error))?;
        }
        match &self.backend {
            Backend::Local(run) => copy(folder, &run.artifacts()?.join(path)),
            #[cfg(feature = "client")]
            Backend::Server { client, run, .. } => {
                let artifacts = client.artifact_repository(&run.artifact_uri)?;
                artifacts.upload(folder, path, &client::Transfer::default())
            }
        }
    }

    /// Logs a model under a name; [`register_all`](crate::Tracking::register_all) registers it.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if the name is not a plain relative path
    /// * [`Model`](crate::ErrorKind::Model) if the model fails, or the run has one of that name in a directory
    /// * what goes wrong with store or server
    pub fn log_model(&self, name: &str, model: &impl SaveModel) -> Result<TrackedModel, Error> {
        match &self.backend {
            Backend::Local(run) => Ok(TrackedModel {
                uri: run.log_model(name, model)?,
                run_id: run.id().clone(),
                #[cfg(feature = "client")]
                artifact_uri: None,
            }),
            #[cfg(feature = "client")]
            Backend::Server { client, run, .. } => publish(client, &run.id, name, model),
        }
    }

    /// The model that the run has logged under a name, if any.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if the name is not a plain relative path
    /// * what goes wrong with store or server
    pub fn model(&self, name: &str) -> Result<Option<TrackedModel>, Error> {
        match &self.backend {
            Backend::Local(run) => {
                let is_there = run.artifacts()?.join(name).join("MLmodel").is_file();
                let model = TrackedModel {
                    uri: uri_in_run(run.id(), name)?,
                    run_id: run.id().clone(),
                    #[cfg(feature = "client")]
                    artifact_uri: None,
                };
                Ok(is_there.then_some(model))
            }
            #[cfg(feature = "client")]
            Backend::Server { client, run, .. } => published(client, &run.id, name),
        }
    }

    /// Ends the run.
    ///
    /// # Errors
    /// What goes wrong with store or server.
    pub fn finish(&self, status: RunStatus) -> Result<(), Error> {
        match &self.backend {
            Backend::Local(run) => run.finish(status),
            #[cfg(feature = "client")]
            Backend::Server { client, run, .. } => client.finish_run(&run.id, status),
        }
    }
}

impl LogSink for TrackedRun {
    fn log_batch(&self, batch: &LogBatch) -> Result<(), Error> {
        match &self.backend {
            Backend::Local(run) => run.log_batch(batch),
            #[cfg(feature = "client")]
            Backend::Server { sink, .. } => sink.log_batch(batch),
        }
    }

    fn pause(&self) -> Duration {
        match &self.backend {
            Backend::Local(run) => run.pause(),
            #[cfg(feature = "client")]
            Backend::Server { sink, .. } => sink.pause(),
        }
    }
}

/// Copies the files of a folder, and those in folders below it.
fn copy(source: &Path, target: &Path) -> Result<(), Error> {
    let unread = |error| Error::io("read", source, error);
    fs::create_dir_all(target).map_err(|error| Error::io("create", target, error))?;
    for entry in fs::read_dir(source).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            durable::copy(&from, &to).map_err(|error| Error::io("write", &to, error))?;
        }
    }
    Ok(())
}

#[cfg(feature = "client")]
fn publish(
    client: &MlflowClient,
    run_id: &RunId,
    name: &str,
    model: &impl SaveModel,
) -> Result<TrackedModel, Error> {
    let folder = tempfile::tempdir();
    let folder = folder.map_err(|error| Error::io("create", &std::env::temp_dir(), error))?;
    let path = folder.path().join("model");
    let dir = ModelDir::create(&path, model).map_err(|error| Error::model(&path, error))?;
    let publication = client::Publication::new(run_id.clone(), name);
    let published = client.publish(&dir, &publication, &client::Transfer::default())?;
    let uri = match published.model_id {
        Some(id) => ModelUri::LoggedModel { id, path: None },
        None => uri_in_run(run_id, name)?,
    };
    Ok(TrackedModel { uri, run_id: run_id.clone(), artifact_uri: Some(published.artifact_uri) })
}

#[cfg(feature = "client")]
fn published(
    client: &MlflowClient,
    run_id: &RunId,
    name: &str,
) -> Result<Option<TrackedModel>, Error> {
    let in_run = uri_in_run(run_id, name)?;
    let run = client.run(run_id)?;
    let run_id = run_id.clone();
    if client.server_info()?.has_logged_models {
        for output in run.outputs {
            let model = client.logged_model(&output.model_id)?;
            if model.name == name && model.status == client::LoggedModelStatus::Ready {
                let uri = ModelUri::LoggedModel { id: model.id, path: None };
                let artifact_uri = Some(model.artifact_uri);
                return Ok(Some(TrackedModel { uri, run_id, artifact_uri }));
            }
        }
        return Ok(None);
    }
    // To read a file that is not there is an inner error of MLflow 2.
    let artifacts = client.artifact_repository(&run.artifact_uri)?;
    let description = format!("{name}/MLmodel");
    let is_there = artifacts.list()?.iter().any(|artifact| artifact.path == description);
    let artifact_uri = Some(format!("{}/{name}", artifacts.uri()));
    Ok(is_there.then_some(TrackedModel { uri: in_run, run_id, artifact_uri }))
}

fn uri_in_run(run_id: &RunId, name: &str) -> Result<ModelUri, Error> {
    let path = name.parse().map_err(|error| Error::name("log the model", name, error))?;
    Ok(ModelUri::Run { run_id: run_id.clone(), path: Some(path) })
}
