//! Servers and directories by the same calls.

use std::collections::BTreeMap;
use std::fs;

use mlops_registry::blocking::MlflowClient;
use mlops_registry::client::{NewModelVersion, NewRun};
use mlops_registry::{
    DatasetInput, Error, Experiment, Filter, LocalStore, LogBatch, Metric, ModelVersion,
    RegisteredModel, RunId, RunStatus, Stage, env,
};

/// What keeps runs and models.
#[derive(Debug)]
pub(crate) enum Backend {
    Server(MlflowClient),
    Directory(LocalStore),
}

/// A run as it is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: RunId,
    pub(crate) name: String,
    pub(crate) status: RunStatus,
    pub(crate) has_ended: bool,
    pub(crate) metrics: BTreeMap<String, Metric>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) inputs: Vec<DatasetInput>,
}

/// Calls `$name` of whichever it is.
macro_rules! both {
    ($self:ident.$name:ident($($argument:expr),*)) => {
        match $self {
            Self::Server(client) => client.$name($($argument),*),
            Self::Directory(store) => store.$name($($argument),*),
        }
    };
}

impl Backend {
    /// A new directory, and the server if the environment names one.
    pub(crate) fn each(test: impl Fn(&Self) -> Result<(), Error>) -> Result<(), Error> {
        let folder = tempfile::tempdir().expect("a directory");
        test(&Self::Directory(LocalStore::open(folder.path().join("mlruns"))?))?;
        let Some(uri) = crate::server_or_remark() else { return Ok(()) };
        test(&Self::Server(env::client_builder(Some(&uri))?.build_blocking()?))
    }

    pub(crate) fn experiment(&self, name: &str) -> Result<Experiment, Error> {
        both!(self.experiment(name))
    }

    pub(crate) fn experiment_by_name(&self, name: &str) -> Result<Experiment, Error> {
        both!(self.experiment_by_name(name))
    }

    pub(crate) fn set_experiment_tag(&self, id: &str, key: &str, value: &str) -> Result<(), Error> {
        both!(self.set_experiment_tag(id, key, value))
    }

    pub(crate) fn start_run(
        &self,
        experiment: &Experiment,
        name: &str,
        parent: Option<&RunId>,
    ) -> Result<RunId, Error> {
        match self {
            Self::Server(client) => {
                let mut new = NewRun::new(name);
                new.parent = parent.cloned();
                Ok(client.create_run(experiment, new)?.id)
            }
            Self::Directory(store) => Ok(store.start_run(experiment, name, parent)?.id().clone()),
        }
    }

    pub(crate) fn log_batch(&self, id: &RunId, batch: &LogBatch) -> Result<(), Error> {
        match self {
            Self::Server(client) => client.log_batch(id, batch),
            Self::Directory(store) => store.run(id)?.log_batch(batch),
        }
    }

    pub(crate) fn log_param(&self, id: &RunId, key: &str, value: &str) -> Result<(), Error> {
        match self {
            Self::Server(client) => client.log_param(id, key, value),
            Self::Directory(store) => store.run(id)?.log_param(key, value),
        }
    }

    pub(crate) fn log_inputs(&self, id: &RunId, datasets: &[DatasetInput]) -> Result<(), Error> {
        match self {
            Self::Server(client) => client.log_inputs(id, datasets, &[]),
            Self::Directory(store) => store.run(id)?.log_inputs(datasets),
        }
    }

    pub(crate) fn finish_run(&self, id: &RunId, status: RunStatus) -> Result<(), Error> {
        match self {
            Self::Server(client) => client.finish_run(id, status),
            Self::Directory(store) => store.run(id)?.finish(status),
        }
    }

    pub(crate) fn delete_run(&self, id: &RunId) -> Result<(), Error> {
        both!(self.delete_run(id))
    }

    pub(crate) fn run(&self, id: &RunId) -> Result<Kept, Error> {
        match self {
            Self::Server(client) => {
                let run = client.run(id)?;
                Ok(Kept {
                    id: run.id,
                    name: run.name,
                    status: run.status,
                    has_ended: run.end_time.is_some(),
                    metrics: run.metrics,
                    params: run.params,
                    tags: run.tags,
                    inputs: run.inputs.datasets,
                })
            }
            Self::Directory(store) => {
                let run = store.run(id)?;
                let info = run.info()?;
                Ok(Kept {
                    id: id.clone(),
                    name: info.name,
                    status: info.status,
                    has_ended: info.end_time.is_some(),
                    metrics: run.metrics()?,
                    params: run.params()?,
                    tags: run.tags()?,
                    inputs: run.inputs()?,
                })
            }
        }
    }

    pub(crate) fn metric_history(&self, id: &RunId, key: &str) -> Result<Vec<Metric>, Error> {
        match self {
            Self::Server(client) => client.metric_history(id, key).collect(),
            Self::Directory(store) => store.run(id)?.metric_history(key),
        }
    }

    pub(crate) fn search_runs(
        &self,
        experiment: &Experiment,
        filter: &Filter,
        order_by: &[&str],
    ) -> Result<Vec<RunId>, Error> {
        let experiments = [experiment.id.as_str()];
        Ok(match self {
            Self::Server(client) => {
                let found = client.search_runs(&experiments, filter, order_by);
                found.map(|run| Ok(run?.id)).collect::<Result<_, Error>>()?
            }
            Self::Directory(store) => {
                let found = store.search_runs(&experiments, filter, order_by)?;
                found.iter().map(|run| run.id().clone()).collect()
            }
        })
    }

    pub(crate) fn register(&self, name: &str) -> Result<(), Error> {
        both!(self.register(name))
    }

    pub(crate) fn registered_model(&self, name: &str) -> Result<RegisteredModel, Error> {
        both!(self.registered_model(name))
    }

    pub(crate) fn search_registered_models(
        &self,
        filter: &Filter,
    ) -> Result<Vec<RegisteredModel>, Error> {
        match self {
            Self::Server(client) => client.search_registered_models(filter).collect(),
            Self::Directory(store) => store.search_registered_models(filter),
        }
    }

    pub(crate) fn rename_registered_model(&self, name: &str, to: &str) -> Result<(), Error> {
        match self {
            Self::Server(client) => client.rename_registered_model(name, to),
            Self::Directory(store) => store.rename_registered_model(name, to).map(drop),
        }
    }

    pub(crate) fn describe_model(&self, name: &str, description: &str) -> Result<(), Error> {
        match self {
            Self::Server(client) => client.set_registered_model_description(name, description),
            Self::Directory(store) => store.update_registered_model(name, description).map(drop),
        }
    }

    pub(crate) fn set_model_tag(&self, name: &str, key: &str, value: &str) -> Result<(), Error> {
        both!(self.set_registered_model_tag(name, key, value))
    }

    pub(crate) fn delete_model_tag(&self, name: &str, key: &str) -> Result<(), Error> {
        both!(self.delete_registered_model_tag(name, key))
    }

    pub(crate) fn delete_registered_model(&self, name: &str) -> Result<(), Error> {
        both!(self.delete_registered_model(name))
    }

    /// A version whose files are the artifact `model` of a run, and where they are.
    pub(crate) fn create_version(
        &self,
        name: &str,
        run: &RunId,
    ) -> Result<(ModelVersion, String), Error> {
        match self {
            Self::Server(client) => {
                let source = format!("{}/model", client.run(run)?.artifact_uri);
                let new = NewModelVersion::new(&source).run_id(run.clone());
                Ok((client.create_model_version(name, new)?, source))
            }
            Self::Directory(store) => {
                let files = store.run(run)?.artifacts()?.join("model");
                fs::create_dir_all(&files).expect("a directory");
                let uri = format!("runs:/{run}/model").parse().expect("a URI");
                let source = format!("file://{}", files.display());
                Ok((store.create_model_version(name, &uri)?, source))
            }
        }
    }

    /// Where the files of a version are.
    pub(crate) fn location(&self, name: &str, version: u64) -> Result<String, Error> {
        match self {
            Self::Server(client) => client.download_uri(name, version),
            Self::Directory(store) => {
                let uri = format!("models:/{name}/{version}").parse().expect("a URI");
                Ok(format!("file://{}", store.resolve(&uri)?.display()))
            }
        }
    }

    pub(crate) fn model_version(&self, name: &str, version: u64) -> Result<ModelVersion, Error> {
        both!(self.model_version(name, version))
    }

    pub(crate) fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        both!(self.versions(name))
    }

    pub(crate) fn latest_versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        both!(self.latest_versions(name))
    }

    pub(crate) fn search_model_versions(
        &self,
        filter: &Filter,
    ) -> Result<Vec<ModelVersion>, Error> {
        match self {
            Self::Server(client) => client.search_model_versions(filter).collect(),
            Self::Directory(store) => store.search_model_versions(filter),
        }
    }

    pub(crate) fn describe_version(
        &self,
        name: &str,
        version: u64,
        description: &str,
    ) -> Result<(), Error> {
        match self {
            Self::Server(client) => {
                client.set_model_version_description(name, version, description)
            }
            Self::Directory(store) => {
                store.update_model_version(name, version, description).map(drop)
            }
        }
    }

    pub(crate) fn set_version_tag(
        &self,
        name: &str,
        version: u64,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        both!(self.set_model_version_tag(name, version, key, value))
    }

    pub(crate) fn delete_version_tag(
        &self,
        name: &str,
        version: u64,
        key: &str,
    ) -> Result<(), Error> {
        both!(self.delete_model_version_tag(name, version, key))
    }

    pub(crate) fn delete_version(&self, name: &str, version: u64) -> Result<(), Error> {
        both!(self.delete_model_version(name, version))
    }

    /// Archives what is there.
    pub(crate) fn put_in(&self, name: &str, version: u64, stage: Stage) -> Result<(), Error> {
        both!(self.transition_stage(name, version, stage, true)).map(drop)
    }

    pub(crate) fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), Error> {
        both!(self.set_alias(name, alias, version))
    }

    pub(crate) fn delete_alias(&self, name: &str, alias: &str) -> Result<(), Error> {
        both!(self.delete_alias(name, alias))
    }

    pub(crate) fn by_alias(&self, name: &str, alias: &str) -> Result<ModelVersion, Error> {
        both!(self.model_version_by_alias(name, alias))
    }
}
