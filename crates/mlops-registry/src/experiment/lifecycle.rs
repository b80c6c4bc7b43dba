//! What happens to an experiment after its creation.

use std::fs;

use mlops_core::durable;
use serde_json::json;

use super::{DEFAULT_ID, DELETED, Stored, all, check_new_name};
use crate::entries::{Entry, TAGS};
use crate::local::TRASH;
use crate::name::check_key;
use crate::{Error, ErrorKind, LocalStore, entries, meta, run};

const UPDATED: &str = "last_update_time";

impl LocalStore {
    /// Gives an experiment another name.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if the name is blank or longer than 500 characters
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if there is one of this name, be it deleted
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such experiment, or it was deleted
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn rename_experiment(&self, id: &str, name: &str) -> Result<(), Error> {
        let _lock = self.lock()?;
        let experiment = self.stored(id, false)?;
        check_new_name(self, "rename the experiment", name)?;
        meta::update(&experiment.folder, |meta| {
            meta.insert("name".to_owned(), json!(name));
            meta.insert(UPDATED.to_owned(), json!(meta::now()));
        })
    }

    /// Deletes an experiment with its runs; its name stays taken, and it can be [restored](Self::restore_experiment).
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is none, or it was deleted
    /// * [`Refused`](ErrorKind::Refused) for the experiment `0`, which every store has
    /// * [`Io`](ErrorKind::Io) if it cannot be moved
    pub fn delete_experiment(&self, id: &str) -> Result<(), Error> {
        let operation = "delete the experiment";
        if id == DEFAULT_ID {
            return Err(Error::new(ErrorKind::Refused, operation, format_args!("`{id}`")));
        }
        let _lock = self.lock()?;
        let experiment = self.stored(id, false)?;
        let trash = self.root().join(TRASH);
        let target = trash.join(id);
        // The move decides: in the trash it is deleted, whatever else a crash leaves undone.
        fs::create_dir_all(&trash)
            .and_then(|()| fs::rename(&experiment.folder, &target))
            .and_then(|()| durable::flush_directory(&trash))
            .and_then(|()| durable::flush_directory(self.root()))
            .map_err(|error| Error::io(operation, &experiment.folder, error))?;
        mark(&Stored { folder: target, ..experiment }, DELETED)
    }

    /// Restores an experiment that was deleted, with all of its runs.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if no such experiment was deleted
    /// * [`Io`](ErrorKind::Io) if it cannot be moved
    pub fn restore_experiment(&self, id: &str) -> Result<(), Error> {
        let _lock = self.lock()?;
        let experiment = self.stored(id, true)?;
        let target = self.root().join(id);
        // Marked before it is back, so that nobody finds runs there that are still deleted.
        mark(&experiment, "active")?;
        fs::rename(&experiment.folder, &target)
            .and_then(|()| durable::flush_directory(self.root()))
            .map_err(|error| Error::io("restore the experiment", &experiment.folder, error))
    }

    /// Sets a tag of an experiment, replacing the old value.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such experiment, or it was deleted
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn set_experiment_tag(&self, id: &str, key: &str, value: &str) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name("set the tag", key, error))?;
        let _lock = self.lock()?;
        let folder = self.stored(id, false)?.folder;
        entries::write(&folder, Entry { kind: TAGS, key, text: value })
    }

    /// Removes a tag of an experiment.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such experiment or tag
    /// * [`Io`](ErrorKind::Io) if it cannot be removed
    pub fn delete_experiment_tag(&self, id: &str, key: &str) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name("delete the tag", key, error))?;
        let _lock = self.lock()?;
        if entries::remove(&self.stored(id, false)?.folder.join(TAGS), key)? {
            return Ok(());
        }
        Err(Error::not_found(format_args!("the tag `{key}` of the experiment `{id}`")))
    }

    fn stored(&self, id: &str, is_deleted: bool) -> Result<Stored, Error> {
        let is_meant =
            |stored: &Stored| stored.experiment.id == id && stored.is_deleted == is_deleted;
        let deleted = if is_deleted { "deleted " } else { "" };
        let absent = || Error::not_found(format_args!("the {deleted}experiment `{id}`"));
        all(self)?.into_iter().find(is_meant).ok_or_else(absent)
    }
}

/// Notes in an experiment and its runs whether they are deleted.
fn mark(experiment: &Stored, lifecycle_stage: &str) -> Result<(), Error> {
    for run in entries::names(&experiment.folder)? {
        let folder = experiment.folder.join(run);
        if meta::is_there(&folder) {
            run::lifecycle::mark(&folder, lifecycle_stage)?;
        }
    }
    meta::update(&experiment.folder, |meta| {
        meta.insert("lifecycle_stage".to_owned(), json!(lifecycle_stage));
        meta.insert(UPDATED.to_owned(), json!(meta::now()));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compare, Filter};

    fn store() -> (tempfile::TempDir, LocalStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_deleted_experiment_comes_back_with_its_runs() {
        let (_folder, store) = store();
        let experiment = store.experiment("wine").unwrap();
        let id = experiment.id.as_str();
        let run = store.start_run(&experiment, "run", None).unwrap();
        store.set_experiment_tag(id, "team", "ml").unwrap();
        assert!(store.restore_experiment(id).unwrap_err().is_not_found());

        store.delete_experiment(id).unwrap();
        assert_eq!(store.experiments().unwrap().len(), 1);
        assert_eq!(store.experiment("wine").unwrap_err().kind(), ErrorKind::AlreadyExists);
        let error = store.experiment_by_name("wine").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(store.experiment_by_id(id).unwrap().tags["team"], "ml");
        for error in [
            store.delete_experiment(id).unwrap_err(),
            store.rename_experiment(id, "other").unwrap_err(),
            store.set_experiment_tag(id, "team", "x").unwrap_err(),
            store.start_run(&experiment, "run", None).unwrap_err(),
            run.log_metric("loss", 0.5, 0).unwrap_err(),
            run.set_tag("team", "x").unwrap_err(),
            store.run(run.id()).unwrap_err(),
        ] {
            assert!(error.is_not_found(), "{error:?}");
        }
        assert!(!store.root().join(id).exists());

        store.restore_experiment(id).unwrap();
        assert_eq!(store.runs(&experiment).unwrap()[0].id(), run.id());
        run.log_metric("loss", 0.5, 0).unwrap();
        assert_eq!(store.delete_experiment("0").unwrap_err().kind(), ErrorKind::Refused);
    }

    #[test]
    fn a_crash_between_move_and_mark_is_a_deletion() {
        let (_folder, store) = store();
        let id = store.experiment("wine").unwrap().id;
        fs::rename(store.root().join(&id), store.root().join(TRASH).join(&id)).unwrap();
        assert_eq!(store.experiment("wine").unwrap_err().kind(), ErrorKind::AlreadyExists);
        store.restore_experiment(&id).unwrap();
        assert_eq!(store.experiment("wine").unwrap().id, id);
    }

    #[test]
    fn experiments_are_renamed_tagged_and_found() {
        let (_folder, store) = store();
        let id = store.experiment("wine").unwrap().id;
        store.rename_experiment(&id, "red wine").unwrap();
        assert_eq!(store.experiment_by_name("red wine").unwrap().id, id);
        assert!(store.experiment_by_name("wine").unwrap_err().is_not_found());
        let taken = store.rename_experiment(&id, "Default").unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);

        store.set_experiment_tag(&id, "team/lead", "ml").unwrap();
        let names = |filter: &Filter| {
            let found = store.search_experiments(filter).unwrap().into_iter();
            found.map(|experiment| experiment.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&Filter::tag("team/lead", Compare::Like, "m%").unwrap()), ["red wine"]);
        assert_eq!(names(&Filter::time("creation_time", Compare::AtLeast, 0).unwrap()).len(), 2);
        assert_eq!(
            names(&Filter::attribute("name", Compare::LikeAnyCase, "d%").unwrap()),
            ["Default"]
        );
        let refused =
            store.search_experiments(&Filter::metric("loss", Compare::Less, 1.0).unwrap());
        insta::assert_snapshot!(refused.unwrap_err(), @"cannot search experiments by `metrics.loss`: it is refused");
        store.delete_experiment_tag(&id, "team/lead").unwrap();
        assert!(store.delete_experiment_tag(&id, "team/lead").unwrap_err().is_not_found());
    }
}
