use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use crate::local::{MODELS, TRASH};
use crate::{Error, ErrorKind, LocalStore, entries, file_uri, meta, name, random};

const DEFAULT_ID: &str = "0";
const DEFAULT_NAME: &str = "Default";
const DELETED: &str = "deleted";

/// A named group of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Experiment {
    /// The identifier: `0` or 18 digits where this crate or MLflow chose it.
    pub id: String,
    /// The name, unique in the store.
    pub name: String,
    /// The URI below which the runs put their artifacts.
    pub artifact_location: String,
}

impl LocalStore {
    /// Creates an experiment.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if the name is blank or longer than 500 characters
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if there is one of this name, be it deleted
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn create_experiment(&self, name: &str) -> Result<Experiment, Error> {
        let _lock = self.lock()?;
        create(self, name)
    }

    /// The experiment called `name`; it is created if it is not there.
    ///
    /// # Errors
    /// As [`LocalStore::create_experiment`]; [`AlreadyExists`](ErrorKind::AlreadyExists) only if
    /// the experiment was deleted.
    pub fn experiment(&self, name: &str) -> Result<Experiment, Error> {
        // Without the lock first: a store that is only read may be on a read-only file system.
        if let Some(experiment) = find(self.root(), name)? {
            return Ok(experiment);
        }
        let _lock = self.lock()?;
        if name == DEFAULT_NAME {
            create_default(self)?;
        }
        match find(self.root(), name)? {
            Some(experiment) => Ok(experiment),
            None => create(self, name),
        }
    }

    /// The experiments that are not deleted, by identifier.
    ///
    /// # Errors
    /// * [`Malformed`](ErrorKind::Malformed) if a `meta.yaml` is not that of an experiment
    /// * [`Io`](ErrorKind::Io) if the store cannot be read
    pub fn experiments(&self) -> Result<Vec<Experiment>, Error> {
        read_all(self.root())
    }
}

/// Creates the experiment `Default` if it is not there. The caller holds the lock.
pub(crate) fn create_default(store: &LocalStore) -> Result<(), Error> {
    let folder = store.root().join(DEFAULT_ID);
    if meta::is_there(&folder) {
        return Ok(());
    }
    fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
    write(&folder, &new(store, DEFAULT_ID, DEFAULT_NAME))
}

fn create(store: &LocalStore, name: &str) -> Result<Experiment, Error> {
    let operation = "create the experiment";
    name::check_experiment_name(name).map_err(|error| Error::name(operation, name, error))?;
    for folder in [store.root(), &store.root().join(TRASH)] {
        if find(folder, name)?.is_some() {
            let target = format_args!("`{name}`");
            return Err(Error::new(ErrorKind::AlreadyExists, operation, target));
        }
    }
    let experiment = new(store, &random::decimal_id(), name);
    store.create_folder(&store.root().join(&experiment.id), |folder| write(folder, &experiment))?;
    Ok(experiment)
}

fn new(store: &LocalStore, id: &str, name: &str) -> Experiment {
    let artifact_location = file_uri::encode(&store.root().join(id));
    Experiment { id: id.to_owned(), name: name.to_owned(), artifact_location }
}

fn find(folder: &Path, name: &str) -> Result<Option<Experiment>, Error> {
    Ok(read_all(folder)?.into_iter().find(|experiment| experiment.name == name))
}

fn read_all(root: &Path) -> Result<Vec<Experiment>, Error> {
    let is_deleted_wanted = root.ends_with(TRASH);
    let mut experiments = Vec::new();
    for name in entries::names(root)? {
        let folder = root.join(&name);
        if name == TRASH || name == MODELS || !meta::is_there(&folder) {
            continue;
        }
        let meta: ExperimentMeta = meta::read(&folder)?;
        let is_deleted = meta.lifecycle_stage.as_deref() == Some(DELETED);
        // MLflow ignores a folder that was renamed.
        if meta.experiment_id == name && is_deleted == is_deleted_wanted {
            let artifact_location =
                meta.artifact_location.unwrap_or_else(|| file_uri::encode(&folder));
            experiments.push(Experiment { id: name, name: meta.name, artifact_location });
        }
    }
    Ok(experiments)
}

fn write(folder: &Path, experiment: &Experiment) -> Result<(), Error> {
    let now = meta::now();
    let content = json!({
        "artifact_location": experiment.artifact_location,
        "creation_time": now,
        "experiment_id": experiment.id,
        "last_update_time": now,
        "lifecycle_stage": "active",
        "name": experiment.name,
    });
    meta::write(folder, &content)
}

#[derive(Deserialize)]
struct ExperimentMeta {
    experiment_id: String,
    name: String,
    artifact_location: Option<String>,
    lifecycle_stage: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, LocalStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
        (folder, store)
    }

    #[test]
    fn an_experiment_is_created_once() {
        let (_folder, store) = store();
        let experiment = store.experiment("wine").unwrap();
        assert_eq!(store.experiment("wine").unwrap(), experiment);
        assert_eq!(store.experiment("Default").unwrap().id, "0");
        assert_eq!(experiment.id.len(), 18);
        let error = store.create_experiment("wine").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(store.create_experiment(" ").unwrap_err().kind(), ErrorKind::InvalidName);
        assert_eq!(store.experiments().unwrap().len(), 2);
    }

    #[test]
    fn the_name_of_a_deleted_experiment_stays_taken() {
        let (_folder, store) = store();
        let experiment = store.experiment("wine").unwrap();
        let trash = store.root().join(TRASH).join(&experiment.id);
        fs::rename(store.root().join(&experiment.id), &trash).unwrap();
        meta::update(&trash, |meta| _ = meta.insert("lifecycle_stage".into(), json!(DELETED)))
            .unwrap();
        assert_eq!(store.experiment("wine").unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn threads_agree_on_one_experiment() {
        let (_folder, store) = store();
        let create = || store.experiment("wine").unwrap();
        std::thread::scope(|scope| {
            let (first, second) = (scope.spawn(create), scope.spawn(create));
            assert_eq!(first.join().unwrap(), second.join().unwrap());
        });
    }

    #[test]
    fn foreign_folders_and_files_are_passed_over() {
        let (_folder, store) = store();
        fs::create_dir(store.root().join("notes")).unwrap();
        fs::write(store.root().join("readme.txt"), "").unwrap();
        assert_eq!(store.experiments().unwrap().len(), 1);
    }
}
