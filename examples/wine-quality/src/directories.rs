//! The directories of the three models that a configuration names.

use std::path::PathBuf;

use mlops_core::{ModelDir, ModelError, ModelFile};
use mlops_registry::{LocalStore, ModelUri, VersionSelector};

use crate::configuration::Configuration;
use crate::error::Error;

/// Where the models of a configuration are now.
#[derive(Debug)]
pub(crate) struct Directories {
    pub(crate) prediction: Directory,
    pub(crate) drift: Directory,
    pub(crate) outliers: Directory,
}

/// The directory of a model.
#[derive(Debug)]
pub(crate) struct Directory {
    uri: String,
    dir: ModelDir,
    /// The version that the URI means, if it is one of a registered model.
    pub(crate) version: Option<String>,
}

impl Directories {
    /// Finds the models; `open_store` is called if one is named by version, run or alias.
    pub(crate) fn find(
        open_store: impl Fn() -> Result<LocalStore, Error>,
        configuration: &Configuration,
    ) -> Result<Self, Error> {
        Ok(Self {
            prediction: Directory::find("prediction", &configuration.prediction, &open_store)?,
            drift: Directory::find("drift", &configuration.drift, &open_store)?,
            outliers: Directory::find("outlier", &configuration.outliers, &open_store)?,
        })
    }

    /// What changes when a model does: places, files, and when each was written.
    pub(crate) fn identity(&self) -> Result<Identity, ModelError> {
        let directories = [&self.prediction, &self.drift, &self.outliers].into_iter();
        let identity =
            |Directory { dir, .. }: &Directory| Ok((dir.path().to_owned(), dir.files()?));
        directories.map(identity).collect()
    }
}

/// The place and the files of each model.
pub(crate) type Identity = Vec<(PathBuf, Vec<ModelFile>)>;

impl Directory {
    fn find(
        part: &'static str,
        uri: &str,
        open_store: impl Fn() -> Result<LocalStore, Error>,
    ) -> Result<Self, Error> {
        let find = || {
            let (path, version) = match uri.parse()? {
                ModelUri::Path(path) => (path, None),
                uri => {
                    let store = open_store()?;
                    located(&store, uri)
                        .map_err(|source| Error::Store { root: store.root().to_owned(), source })?
                }
            };
            let version = version.map(|version| version.to_string());
            Ok(Self { uri: uri.to_owned(), dir: ModelDir::open(path)?, version })
        };
        find().map_err(|source| Error::served(part, uri, source))
    }

    /// The SHA-256 of the model's files.
    pub(crate) fn digest(&self) -> Result<String, ModelError> {
        self.dir.digest()
    }

    /// Loads the model, and names it where that fails.
    pub(crate) fn load<T>(
        &self,
        part: &'static str,
        load: impl FnOnce(&ModelDir) -> Result<T, Error>,
    ) -> Result<T, Error> {
        load(&self.dir).map_err(|source| Error::served(part, &self.uri, source))
    }
}

/// Where a model of the store is, and the version that its URI means. An alias is looked up once: it may move.
fn located(
    store: &LocalStore,
    mut uri: ModelUri,
) -> Result<(PathBuf, Option<u64>), mlops_registry::Error> {
    let found = store.version_of(&uri)?.map(|found| found.version);
    if let (ModelUri::Registered { version, .. }, Some(number)) = (&mut uri, found) {
        *version = VersionSelector::Number(number);
    }
    Ok((store.resolve(&uri)?, found))
}
