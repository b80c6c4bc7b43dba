use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlops_core::durable::{self, FileLock};

use crate::{Error, experiment};

pub(crate) const MODELS: &str = "models";
pub(crate) const TRASH: &str = ".trash";

const LOCK: &str = ".mlops.lock";
/// MLflow searches the root, the models and the experiments for folders, but looks no deeper than a
/// folder of an experiment that has no `meta.yaml`.
const STAGING: &str = "0/.staging";

/// A tracking store and model registry in a directory, laid out as MLflow's `FileStore`.
///
/// Python's MLflow reads and writes the same directory (from 3.13 on with
/// `MLFLOW_ALLOW_FILE_STORE=true`). Every write is atomic: whoever reads, also after a crash, finds
/// the old or the new state. Writers of this crate, in one process or several, wait for each other
/// at the file `.mlops.lock`; Python's MLflow does not know it.
///
/// # Examples
/// ```
/// use mlops_registry::{LocalStore, RunStatus};
///
/// # let folder = std::env::temp_dir().join(format!("mlops-local-{}", std::process::id()));
/// let store = LocalStore::open(&folder)?;
/// let experiment = store.experiment("wine quality")?;
/// let run = store.start_run(&experiment, "search", None)?;
/// run.log_param("learning_rate", 0.1)?;
/// run.log_metric("loss", 0.5, 0)?;
/// run.log_metric("loss", 0.25, 1)?;
/// run.finish(RunStatus::Finished)?;
///
/// let runs = store.runs(&experiment)?;
/// assert_eq!(runs[0].params()?["learning_rate"], "0.1");
/// assert_eq!(runs[0].metrics()?["loss"].value, 0.25);
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalStore {
    // Invariant: absolute, without symbolic links.
    root: PathBuf,
}

impl LocalStore {
    /// Opens the store at `root`. As MLflow does, a directory that is not there is made, with the
    /// experiment `Default`; nothing is written into one that is.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if the directory cannot be made.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        let failed = |error| Error::io("open the store", root, error);
        let is_new = !root.exists();
        fs::create_dir_all(root).map_err(failed)?;
        let store = Self { root: fs::canonicalize(root).map_err(failed)? };
        if is_new {
            let _lock = store.lock()?;
            experiment::create_default(&store)?;
            for folder in [MODELS, TRASH] {
                fs::create_dir_all(store.root.join(folder)).map_err(failed)?;
            }
        }
        Ok(store)
    }

    /// Opens the store at `root`, which must be there; nothing is written.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if the directory is not there.
    pub fn open_existing(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        let canonical = fs::canonicalize(root);
        Ok(Self { root: canonical.map_err(|error| Error::io("open the store", root, error))? })
    }

    /// The directory of the store: an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Waits until no other writer is at work.
    ///
    /// Not reentrant: a method that holds the lock calls none that takes it.
    pub(crate) fn lock(&self) -> Result<FileLock, Error> {
        let path = self.root.join(LOCK);
        FileLock::acquire(&path).map_err(|error| Error::io("lock", &path, error))
    }

    /// Makes a folder of the store, whole or not at all. The caller holds the lock.
    pub(crate) fn create_folder(
        &self,
        path: &Path,
        fill: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<(), Error> {
        experiment::create_default(self)?;
        let staging = self.root.join(STAGING);
        let outcome = durable::create_dir_through(&staging, path, |new| Ok(fill(new)?));
        // Whoever holds the lock is alone here: what is left was left by a crash. If it stays,
        // nobody minds.
        let _ = fs::remove_dir_all(&staging);
        outcome.map_err(|failure| match failure {
            Failure::Store(error) => error,
            Failure::Io(error) => Error::io("create", path, error),
        })
    }

    /// Removes a folder of the store, whole or not at all. The caller holds the lock.
    pub(crate) fn remove_folder(&self, path: &Path) -> Result<(), Error> {
        experiment::create_default(self)?;
        let staging = self.root.join(STAGING);
        let outcome = durable::remove_dir_through(&staging, path);
        let _ = fs::remove_dir_all(&staging);
        outcome.map_err(|error| Error::io("remove", path, error))
    }
}

enum Failure {
    Store(Error),
    Io(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries;

    #[test]
    fn a_new_store_has_what_mlflow_expects() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path().join("a/mlruns")).unwrap();
        assert_eq!(entries::names(store.root()).unwrap(), [LOCK, TRASH, "0", MODELS]);
        assert_eq!(store.experiments().unwrap()[0].name, "Default");
    }

    #[test]
    fn opening_a_directory_that_is_there_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        assert_eq!(store.experiments().unwrap(), []);
        assert_eq!(entries::names(store.root()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_folder_that_cannot_be_filled_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let path = store.root().join("1");
        let failed = store.create_folder(&path, |new| {
            fs::write(new.join("half"), "").unwrap();
            Err(Error::malformed(new))
        });
        assert!(failed.is_err());
        assert_eq!(entries::names(store.root()).unwrap(), ["0"]);
        assert_eq!(entries::names(&store.root().join("0")).unwrap(), ["meta.yaml"]);
    }

    #[test]
    fn a_file_is_not_a_store() {
        let file = tempfile::NamedTempFile::new().unwrap();
        LocalStore::open(file.path()).unwrap_err();
    }
}
