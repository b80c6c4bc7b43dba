//! The directories of the three models that a configuration names.

use std::path::PathBuf;

use mlops_core::{ModelDir, ModelError, ModelFile};
use mlops_registry::ModelUri;

use crate::configuration::Configuration;
use crate::error::Error;
use crate::registry::NamedRegistry;

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
    /// Finds the models; the registry is opened if one is named by version, run or alias.
    pub(crate) fn find(
        registry: &NamedRegistry,
        configuration: &Configuration,
    ) -> Result<Self, Error> {
        Ok(Self {
            prediction: Directory::find("prediction", &configuration.prediction, registry)?,
            drift: Directory::find("drift", &configuration.drift, registry)?,
            outliers: Directory::find("outlier", &configuration.outliers, registry)?,
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
    fn find(part: &'static str, uri: &str, registry: &NamedRegistry) -> Result<Self, Error> {
        let find = || {
            let (dir, version) = match uri.parse()? {
                ModelUri::Path(path) => (ModelDir::open(path)?, None),
                uri => {
                    let registry = registry.get()?;
                    let found = registry.fetch(&uri);
                    let place = registry.to_string();
                    let found = found.map_err(|source| Error::Place { place, source })?;
                    let version = found.version().map(|version| version.to_string());
                    (found.dir, version)
                }
            };
            Ok(Self { uri: uri.to_owned(), dir, version })
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
