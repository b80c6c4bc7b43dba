mod lifecycle;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use crate::entries::TAGS;
use crate::field::Field;
use crate::local::{MODELS, TRASH};
use crate::search::{self, Searched, Value};
use crate::{Error, ErrorKind, Filter, LocalStore, entries, file_uri, meta, name, random};

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
    /// The tags.
    pub tags: BTreeMap<String, String>,
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
        if let Some(experiment) = find(self, name)? {
            return Ok(experiment);
        }
        let _lock = self.lock()?;
        if name == DEFAULT_NAME {
            create_default(self)?;
        }
        match find(self, name)? {
            Some(experiment) => Ok(experiment),
            None => create(self, name),
        }
    }

    /// The experiment with this identifier, also if it was deleted.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn experiment_by_id(&self, id: &str) -> Result<Experiment, Error> {
        let found = all(self)?.into_iter().find(|stored| stored.experiment.id == id);
        let found = found.ok_or_else(|| Error::not_found(format_args!("the experiment `{id}`")))?;
        Ok(found.experiment)
    }

    /// The experiment called `name`.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is none
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if it was deleted: the name is taken
    pub fn experiment_by_name(&self, name: &str) -> Result<Experiment, Error> {
        let found = all(self)?.into_iter().find(|stored| stored.experiment.name == name);
        match found {
            Some(stored) if stored.is_deleted => {
                let target = format_args!("`{name}`, which was deleted");
                Err(Error::new(ErrorKind::AlreadyExists, "find the experiment", target))
            }
            Some(stored) => Ok(stored.experiment),
            None => Err(Error::not_found(format_args!("the experiment `{name}`"))),
        }
    }

    /// The experiments that are not deleted, by identifier.
    ///
    /// # Errors
    /// * [`Malformed`](ErrorKind::Malformed) if a `meta.yaml` is not that of an experiment
    /// * [`Io`](ErrorKind::Io) if the store cannot be read
    pub fn experiments(&self) -> Result<Vec<Experiment>, Error> {
        let active = active(self)?.into_iter();
        Ok(active.map(|stored| stored.experiment).collect())
    }

    /// The experiments that are not deleted and for which a filter of `name`, `creation_time`, `last_update_time` and tags
    /// holds, the last changed first.
    ///
    /// # Errors
    /// * [`Refused`](ErrorKind::Refused) if the filter asks for what experiments do not have
    /// * as [`experiments`](Self::experiments)
    pub fn search_experiments(&self, filter: &Filter) -> Result<Vec<Experiment>, Error> {
        let mut found = search::select(active(self)?, filter)?;
        found.sort_by_key(|stored| std::cmp::Reverse(stored.last_update_time));
        Ok(found.into_iter().map(|stored| stored.experiment).collect())
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
    check_new_name(store, operation, name)?;
    let experiment = new(store, &random::decimal_id(), name);
    store.create_folder(&store.root().join(&experiment.id), |folder| write(folder, &experiment))?;
    Ok(experiment)
}

/// Checks that an experiment can be called so.
fn check_new_name(store: &LocalStore, operation: &'static str, name: &str) -> Result<(), Error> {
    name::check_experiment_name(name).map_err(|error| Error::name(operation, name, error))?;
    if all(store)?.iter().any(|stored| stored.experiment.name == name) {
        return Err(Error::new(ErrorKind::AlreadyExists, operation, format_args!("`{name}`")));
    }
    Ok(())
}

fn new(store: &LocalStore, id: &str, name: &str) -> Experiment {
    let artifact_location = file_uri::encode(&store.root().join(id));
    let (id, name, tags) = (id.to_owned(), name.to_owned(), BTreeMap::new());
    Experiment { id, name, artifact_location, tags }
}

fn find(store: &LocalStore, name: &str) -> Result<Option<Experiment>, Error> {
    let found = active(store)?.into_iter().find(|stored| stored.experiment.name == name);
    Ok(found.map(|stored| stored.experiment))
}

/// An experiment, and where and how it is stored.
struct Stored {
    experiment: Experiment,
    folder: PathBuf,
    is_deleted: bool,
    creation_time: i64,
    last_update_time: i64,
}

fn active(store: &LocalStore) -> Result<Vec<Stored>, Error> {
    Ok(all(store)?.into_iter().filter(|stored| !stored.is_deleted).collect())
}

/// All experiments, also those that were deleted, which come last.
fn all(store: &LocalStore) -> Result<Vec<Stored>, Error> {
    let mut experiments = read_all(store.root(), false)?;
    experiments.extend(read_all(&store.root().join(TRASH), true)?);
    Ok(experiments)
}

fn read_all(root: &Path, is_trash: bool) -> Result<Vec<Stored>, Error> {
    let mut experiments = Vec::new();
    for id in entries::names(root)? {
        let folder = root.join(&id);
        if id == TRASH || id == MODELS || !meta::is_there(&folder) {
            continue;
        }
        let meta: ExperimentMeta = meta::read(&folder)?;
        // MLflow ignores a folder that was renamed.
        if meta.experiment_id != id {
            continue;
        }
        let artifact_location = meta.artifact_location.unwrap_or_else(|| file_uri::encode(&folder));
        let tags = entries::read_all(&folder.join(TAGS))?;
        experiments.push(Stored {
            experiment: Experiment { id, name: meta.name, artifact_location, tags },
            folder,
            // A crash may have come between the folder's move and the note of it.
            is_deleted: is_trash || meta.lifecycle_stage.as_deref() == Some(DELETED),
            creation_time: meta.creation_time,
            last_update_time: meta.last_update_time,
        });
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
    meta::fill(folder, &content)
}

#[derive(Deserialize)]
struct ExperimentMeta {
    experiment_id: String,
    name: String,
    artifact_location: Option<String>,
    lifecycle_stage: Option<String>,
    #[serde(default)]
    creation_time: i64,
    #[serde(default)]
    last_update_time: i64,
}

impl Searched for Stored {
    const OPERATION: &'static str = "search experiments";
    const TEXTS: &'static [&'static str] = &["name"];
    const INTEGERS: &'static [&'static str] = &["creation_time", "last_update_time"];
    const HAS_METRICS: bool = false;

    fn value(&self, field: &Field) -> Result<Option<Value>, Error> {
        Ok(match field {
            Field::Attribute(name) => Some(match name.as_str() {
                "creation_time" => Value::Integer(self.creation_time),
                "last_update_time" => Value::Integer(self.last_update_time),
                _ => Value::Text(self.experiment.name.clone()),
            }),
            Field::Tag(key) => self.experiment.tags.get(key).cloned().map(Value::Text),
            Field::Metric(_) | Field::Param(_) => None,
        })
    }
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
