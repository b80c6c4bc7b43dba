//! The directories of the three models that a configuration names.

use std::path::PathBuf;
use std::time::SystemTime;

use mlops_core::ModelDir;
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
    /// The version, if the URI names one.
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

    /// What changes when a model does: places, and when each was written.
    pub(crate) fn identity(&self) -> Vec<(PathBuf, Option<SystemTime>)> {
        [&self.prediction, &self.drift, &self.outliers]
            .map(|directory| {
                let path = directory.dir.path().to_owned();
                let written = path.join("MLmodel").metadata().and_then(|file| file.modified());
                (path, written.ok())
            })
            .to_vec()
    }
}

impl Directory {
    fn find(
        part: &'static str,
        uri: &str,
        open_store: impl Fn() -> Result<LocalStore, Error>,
    ) -> Result<Self, Error> {
        let find = || {
            let parsed: ModelUri = uri.parse()?;
            let version = match &parsed {
                ModelUri::Registered { version: VersionSelector::Number(number), .. } => {
                    Some(number.to_string())
                }
                _ => None,
            };
            let path = match parsed {
                ModelUri::Path(path) => path,
                uri => {
                    let store = open_store()?;
                    let root = store.root().to_owned();
                    store.resolve(&uri).map_err(|source| Error::Store { root, source })?
                }
            };
            Ok(Self { uri: uri.to_owned(), dir: ModelDir::open(path)?, version })
        };
        find().map_err(|source| Error::served(part, uri, source))
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
