mod inputs;
pub(crate) mod lifecycle;
mod log_batch;
mod metrics;
mod search;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::PathBuf;

use mlops_core::{ModelDir, SaveModel};
use serde::Deserialize;
use serde_json::json;

use crate::entries::{Entry, TAGS};
use crate::name::check_key;
use crate::{
    ArtifactPath, Error, ErrorKind, Experiment, LocalStore, ModelUri, RunId, RunStatus, entries,
    env, file_uri, meta,
};

const ARTIFACTS: &str = "artifacts";
const METRICS: &str = "metrics";
const PARAMS: &str = "params";

const LOG_METRIC: &str = "log the metric";
const LOG_PARAM: &str = "log the parameter";
const SET_TAG: &str = "set the tag";

const DELETED: &str = "deleted";
const PARENT_TAG: &str = "mlflow.parentRunId";
/// MLflow's number for runs that were started from a program.
const SOURCE_TYPE_LOCAL: i64 = 4;

/// One execution of a program: its parameters, metrics, tags and artifacts.
///
/// The handle is cheap, and everything is read from and written to the store at once; a run that
/// nobody [finishes](Run::finish) stays `Running`.
#[derive(Clone, Debug)]
pub struct Run {
    store: LocalStore,
    experiment_id: String,
    id: RunId,
}

/// What a run is, apart from what was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunInfo {
    /// The name, not unique.
    pub name: String,
    /// How far the run is.
    pub status: RunStatus,
    /// When it started, in milliseconds since 1970 in UTC.
    pub start_time: i64,
    /// When it ended, in milliseconds since 1970 in UTC.
    pub end_time: Option<i64>,
}

impl LocalStore {
    /// Starts a run, as a child of `parent` if there is one, with MLflow's standard tags.
    ///
    /// # Errors
    /// * [`Unsupported`](ErrorKind::Unsupported) if the experiment keeps its artifacts elsewhere
    ///   than in a local directory
    /// * [`Io`](ErrorKind::Io) if the run cannot be written
    pub fn start_run(
        &self,
        experiment: &Experiment,
        name: &str,
        parent: Option<&RunId>,
    ) -> Result<Run, Error> {
        let id = RunId::random();
        let run = Run { store: self.clone(), experiment_id: experiment.id.clone(), id };
        let artifacts = self.locate(&experiment.artifact_location)?.join(run.id.as_str());
        let artifacts = artifacts.join(ARTIFACTS);
        let (user, program) = (env::user(), env::program());
        let content = json!({
            "artifact_uri": file_uri::encode(&artifacts),
            "end_time": null,
            "entry_point_name": "",
            "experiment_id": run.experiment_id,
            "lifecycle_stage": "active",
            "run_id": run.id.as_str(),
            "run_name": name,
            "source_name": "",
            "source_type": SOURCE_TYPE_LOCAL,
            "source_version": "",
            "start_time": meta::now(),
            "status": RunStatus::Running.to_number(),
            "tags": [],
            "user_id": user,
        });
        let tags = [
            ("mlflow.runName", name),
            ("mlflow.user", user.as_str()),
            ("mlflow.source.name", program.as_str()),
            ("mlflow.source.type", "LOCAL"),
        ];
        let parent_tag = parent.map(|parent| (PARENT_TAG, parent.as_str()));

        let _lock = self.lock()?;
        self.create_folder(&run.folder(), |folder| {
            // MLflow 3 takes a folder for a run only if it has these three.
            for name in [ARTIFACTS, METRICS, PARAMS] {
                let path = folder.join(name);
                fs::create_dir(&path).map_err(|error| Error::io("create", &path, error))?;
            }
            for (key, value) in tags.into_iter().chain(parent_tag) {
                entries::fill(&folder.join(TAGS), key, value)?;
            }
            meta::fill(folder, &content)
        })?;
        fs::create_dir_all(&artifacts).map_err(|error| Error::io("create", &artifacts, error))?;
        Ok(run)
    }

    /// The run with this identifier, also if it was deleted.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if no experiment has it that is not deleted itself.
    pub fn run(&self, id: &RunId) -> Result<Run, Error> {
        for experiment in self.experiments()? {
            let run = Run { store: self.clone(), experiment_id: experiment.id, id: id.clone() };
            if meta::is_there(&run.folder()) {
                return Ok(run);
            }
        }
        Err(Error::new(ErrorKind::NotFound, "find the run", format_args!("`{id}`")))
    }

    /// The runs of an experiment that are not deleted, the last started first.
    ///
    /// # Errors
    /// * [`Malformed`](ErrorKind::Malformed) if a `meta.yaml` is not that of a run
    /// * [`Io`](ErrorKind::Io) if the store cannot be read
    pub fn runs(&self, experiment: &Experiment) -> Result<Vec<Run>, Error> {
        let runs = search::newest_first(self, &[&experiment.id])?;
        Ok(runs.into_iter().map(|stored| stored.run).collect())
    }
}

impl Run {
    /// The identifier of the run.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The identifier of the experiment that the run belongs to.
    pub fn experiment_id(&self) -> &str {
        &self.experiment_id
    }

    /// Logs a parameter, once; the same value may be logged again.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`ParamChanged`](ErrorKind::ParamChanged) if it is logged already with another value
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn log_param(&self, key: &str, value: impl Display) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name(LOG_PARAM, key, error))?;
        let value = value.to_string();
        let _lock = self.store.lock()?;
        if self.is_new_param(key, &value)? {
            self.write(Entry { kind: PARAMS, key, text: &value })?;
        }
        Ok(())
    }

    /// Sets a tag, replacing the old value.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn set_tag(&self, key: &str, value: impl Display) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name(SET_TAG, key, error))?;
        let _lock = self.store.lock()?;
        self.write(Entry { kind: TAGS, key, text: &value.to_string() })
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such tag
    /// * [`Io`](ErrorKind::Io) if it cannot be removed
    pub fn delete_tag(&self, key: &str) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name("delete the tag", key, error))?;
        let _lock = self.store.lock()?;
        if entries::remove(&self.folder().join(TAGS), key)? {
            return Ok(());
        }
        Err(Error::not_found(format_args!("the tag `{key}` of the run `{}`", self.id)))
    }

    /// Writes a model into the directory `name` of the run's artifacts, whole or not at all, and
    /// returns the URI that [registers](LocalStore::create_model_version) it.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if the name is not a plain relative path
    /// * [`Model`](ErrorKind::Model) if the model fails, or the directory is there already
    /// * [`Io`](ErrorKind::Io) if the directory cannot be made
    pub fn log_model(&self, name: &str, model: &impl SaveModel) -> Result<ModelUri, Error> {
        let artifact: ArtifactPath =
            name.parse().map_err(|error| Error::name("log the model", name, error))?;
        let path = self.artifacts()?.join(name);
        let parent = path.parent().unwrap_or(&path);
        fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
        ModelDir::create(&path, model).map_err(|error| Error::model(&path, error))?;
        meta::update_yaml(&path.join("MLmodel"), |description| {
            description.insert("artifact_path".to_owned(), json!(name));
            description.insert("run_id".to_owned(), json!(self.id.as_str()));
        })?;
        Ok(ModelUri::Run { run_id: self.id.clone(), path: Some(artifact) })
    }

    /// The directory of the run's artifacts; what a program writes there is an artifact.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if it is not a local directory.
    pub fn artifacts(&self) -> Result<PathBuf, Error> {
        let meta: RunMeta = meta::read(&self.folder())?;
        self.store.locate(&meta.artifact_uri)
    }

    /// Ends the run.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) if it cannot be written.
    pub fn finish(&self, status: RunStatus) -> Result<(), Error> {
        let _lock = self.store.lock()?;
        meta::update(&self.folder(), |meta| {
            meta.insert("status".to_owned(), json!(status.to_number()));
            meta.insert("end_time".to_owned(), json!(meta::now()));
        })
    }

    /// What the run is.
    ///
    /// # Errors
    /// [`Malformed`](ErrorKind::Malformed) if the `meta.yaml` is not that of a run.
    pub fn info(&self) -> Result<RunInfo, Error> {
        let meta: RunMeta = meta::read(&self.folder())?;
        Ok(RunInfo {
            status: self.status(&meta)?,
            name: meta.run_name.unwrap_or_default(),
            start_time: meta.start_time,
            end_time: meta.end_time,
        })
    }

    /// The parameters.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) if they cannot be read.
    pub fn params(&self) -> Result<BTreeMap<String, String>, Error> {
        entries::read_all(&self.folder().join(PARAMS))
    }

    /// The tags.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) if they cannot be read.
    pub fn tags(&self) -> Result<BTreeMap<String, String>, Error> {
        entries::read_all(&self.folder().join(TAGS))
    }

    /// The run that this one is a child of.
    ///
    /// # Errors
    /// * [`Malformed`](ErrorKind::Malformed) if the tag is not a run id
    /// * [`Io`](ErrorKind::Io) if it cannot be read
    pub fn parent(&self) -> Result<Option<RunId>, Error> {
        let folder = self.folder().join(TAGS);
        let parent = entries::read(&folder, PARENT_TAG)?.map(|parent| parent.parse());
        parent
            .transpose()
            .map_err(|error| Error::malformed(&folder.join(PARENT_TAG)).with_source(error))
    }

    fn folder(&self) -> PathBuf {
        self.store.root().join(&self.experiment_id).join(self.id.as_str())
    }

    fn status(&self, meta: &RunMeta) -> Result<RunStatus, Error> {
        match meta.status {
            // As MLflow reads it.
            None => Ok(RunStatus::Running),
            Some(number) => {
                RunStatus::from_number(number).ok_or_else(|| Error::malformed(&self.folder()))
            }
        }
    }

    /// With its experiment a run may have been moved away, and its folder must not come back without it.
    fn check_is_there(&self) -> Result<(), Error> {
        if meta::is_there(&self.folder()) {
            return Ok(());
        }
        Err(Error::not_found(format_args!("the run `{}`", self.id)))
    }

    /// Writes an entry of a run that is there. The caller holds the lock.
    fn write(&self, entry: Entry<'_>) -> Result<(), Error> {
        self.write_all([entry])
    }

    /// Writes entries as [`write`](Self::write) does, in about the time of one.
    fn write_all<'a>(&self, entries: impl IntoIterator<Item = Entry<'a>>) -> Result<(), Error> {
        self.check_is_there()?;
        entries::write_all(&self.folder(), entries)
    }

    /// Whether the parameter is not logged yet. The caller holds the lock.
    fn is_new_param(&self, key: &str, value: &str) -> Result<bool, Error> {
        match entries::read(&self.folder().join(PARAMS), key)? {
            None => Ok(true),
            Some(old) if old == value => Ok(false),
            Some(_) => Err(Error::new(ErrorKind::ParamChanged, LOG_PARAM, format_args!("`{key}`"))),
        }
    }
}

#[derive(Deserialize)]
struct RunMeta {
    artifact_uri: String,
    run_name: Option<String>,
    user_id: Option<String>,
    lifecycle_stage: Option<String>,
    status: Option<u8>,
    #[serde(default)]
    start_time: i64,
    end_time: Option<i64>,
}
