#[cfg(feature = "client")]
use crate::blocking;
#[cfg(feature = "client")]
use crate::client::ModelCache;
use crate::{Error, LocalStore, ModelUri, ModelVersion, Stage};

#[derive(Clone, Debug)]
pub(super) enum Backend {
    Local(LocalStore),
    #[cfg(feature = "client")]
    Server(Server),
}

#[cfg(feature = "client")]
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) client: blocking::MlflowClient,
    pub(super) cache: ModelCache,
    pub(super) is_offline: bool,
}

/// Stores and servers have methods of the same names.
macro_rules! on_either {
    ($backend:expr, $method:ident($($argument:expr),*)) => {
        match $backend {
            Backend::Local(store) => store.$method($($argument),*),
            #[cfg(feature = "client")]
            Backend::Server(server) => server.client.$method($($argument),*),
        }
    };
}

impl Backend {
    /// The version that a URI means now, if it is one of a registered model.
    pub(super) fn version_of(&self, uri: &ModelUri) -> Result<Option<ModelVersion>, Error> {
        match self {
            Self::Local(store) => store.version_of(uri),
            #[cfg(feature = "client")]
            Self::Server(server) => Ok(server.client.resolve(uri)?.version),
        }
    }

    pub(super) fn version(&self, name: &str, version: u64) -> Result<ModelVersion, Error> {
        on_either!(self, model_version(name, version))
    }

    pub(super) fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        on_either!(self, versions(name))
    }

    /// The version that an alias points to, if there is one.
    pub(super) fn alias(&self, name: &str, alias: &str) -> Result<Option<u64>, Error> {
        match on_either!(self, model_version_by_alias(name, alias)) {
            Ok(version) => Ok(Some(version.version)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has an alias point to a version, or nowhere.
    pub(super) fn set_alias(
        &self,
        name: &str,
        alias: &str,
        version: Option<u64>,
    ) -> Result<(), Error> {
        match version {
            Some(version) => on_either!(self, set_alias(name, alias, version)),
            None => on_either!(self, delete_alias(name, alias)),
        }
    }

    pub(super) fn transition_stage(
        &self,
        name: &str,
        version: u64,
        stage: Stage,
        archive: bool,
    ) -> Result<(), Error> {
        on_either!(self, transition_stage(name, version, stage, archive)).map(drop)
    }

    /// Whether versions have stages: not in Unity Catalog.
    pub(super) fn has_stages(&self, name: &str) -> Result<bool, Error> {
        match on_either!(self, latest_versions(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_unsupported() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets a tag of a version, or removes it.
    pub(super) fn set_tag(
        &self,
        name: &str,
        version: u64,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), Error> {
        match value {
            Some(value) => on_either!(self, set_model_version_tag(name, version, key, value)),
            None => on_either!(self, delete_model_version_tag(name, version, key)),
        }
    }
}
