mod backend;
mod promote;

use std::fmt;
use std::path::Path;

use mlops_core::{LoadContext, LoadModel, ModelDir};

pub use promote::Promotion;

#[cfg(feature = "client")]
use crate::client::{ModelCache, Transfer};
use crate::{Error, LocalStore, ModelUri, VersionSelector};
use backend::Backend;
#[cfg(feature = "client")]
use backend::Server;

/// Where models come from and are put to use: a directory or, with the feature `client`, a server and a cache on this
/// machine. Methods wait for what they do.
///
/// # Examples
/// ```
/// use mlops_core::{LoadContext, LoadModel, ModelDir, ModelDirWriter, ModelError, SaveModel};
/// use mlops_registry::{LocalStore, Registry, Stage};
///
/// struct Constant(String);
///
/// impl SaveModel for Constant {
///     fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
///         dir.file("constant.txt", self.0.as_bytes())
///     }
/// }
///
/// impl LoadModel for Constant {
///     fn load(dir: &ModelDir, _: &LoadContext) -> Result<Self, ModelError> {
///         Ok(Self(String::from_utf8_lossy(&dir.read("constant.txt")?).into_owned()))
///     }
/// }
///
/// # let folder = std::env::temp_dir().join(format!("mlops-registry-of-{}", std::process::id()));
/// let store = LocalStore::open(&folder)?;
/// let run = store.start_run(&store.experiment("wine quality")?, "baseline", None)?;
/// store.register("wine_quality")?;
/// store.create_model_version("wine_quality", &run.log_model("model", &Constant("0.2".into()))?)?;
///
/// let registry = Registry::local(store);
/// let promotion = registry.promote(&"models:/wine_quality/1".parse()?, Stage::Production)?;
/// assert_eq!(promotion.alias, "production");
/// let model: Constant =
///     registry.load(&"models:/wine_quality@production".parse()?, &LoadContext::new())?;
/// assert_eq!(model.0, "0.2");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    backend: Backend,
}

/// A model on this machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchedModel {
    /// What leads to the same model whatever happens to stages and aliases: the URI that was asked for, with a number in
    /// the place of a stage or alias.
    pub uri: ModelUri,
    /// Its directory, which is not to be written to.
    pub dir: ModelDir,
}

impl Registry {
    /// The registry in a directory.
    pub fn local(store: LocalStore) -> Self {
        Self { backend: Backend::Local(store) }
    }

    /// The registry of a server; what is fetched is kept in `cache`.
    #[cfg(feature = "client")]
    pub fn server(client: crate::blocking::MlflowClient, cache: ModelCache) -> Self {
        Self { backend: Backend::Server(Server { client, cache, is_offline: false }) }
    }

    /// Takes models from the cache alone, as they were fetched last; a directory is always taken as it is.
    #[cfg(feature = "client")]
    #[must_use]
    pub fn offline(mut self) -> Self {
        if let Backend::Server(server) = &mut self.backend {
            server.is_offline = true;
        }
        self
    }

    /// The model that a URI means now, fetched if it is not on this machine. A path is taken as it is.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if it is not there
    /// * [`Model`](crate::ErrorKind::Model) if it is no model's directory
    /// * [`LocalStore::resolve`]'s, or those of `client::ModelCache::fetch`
    pub fn fetch(&self, uri: &ModelUri) -> Result<FetchedModel, Error> {
        let opened = |path: &Path| {
            ModelDir::open(path).map_err(|error| Error::unreadable_model(path, error))
        };
        if let ModelUri::Path(path) = uri {
            return Ok(FetchedModel { uri: uri.clone(), dir: opened(path)? });
        }
        match &self.backend {
            Backend::Local(store) => {
                let uri = pinned(store, uri)?;
                let dir = opened(&store.resolve(&uri)?)?;
                Ok(FetchedModel { uri, dir })
            }
            #[cfg(feature = "client")]
            Backend::Server(Server { client, cache, is_offline }) => {
                let cached = if *is_offline {
                    client.wait(cache.fetch_offline(client.asynchronous(), uri))?
                } else {
                    let transfer = Transfer::default();
                    client.wait(cache.fetch(client.asynchronous(), uri, &transfer))?
                };
                Ok(FetchedModel { uri: cached.uri, dir: cached.dir })
            }
        }
    }

    /// Loads the model that a URI means now.
    ///
    /// # Errors
    /// [`Model`](crate::ErrorKind::Model) if it is not one of this type, and those of [`fetch`](Self::fetch).
    pub fn load<T: LoadModel>(&self, uri: &ModelUri, context: &LoadContext) -> Result<T, Error> {
        let FetchedModel { dir, .. } = self.fetch(uri)?;
        T::load(&dir, context).map_err(|error| Error::unreadable_model(dir.path(), error))
    }
}

/// Says which directory or server it is.
impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.backend {
            Backend::Local(store) => write!(f, "the store {}", store.root().display()),
            #[cfg(feature = "client")]
            Backend::Server(Server { client, .. }) => {
                write!(f, "the registry of {}", client.asynchronous().registry_uri())
            }
        }
    }
}

impl FetchedModel {
    /// The version, for a registered model.
    pub fn version(&self) -> Option<u64> {
        match self.uri {
            ModelUri::Registered { version: VersionSelector::Number(number), .. } => Some(number),
            _ => None,
        }
    }
}

/// A stage or an alias is looked up once: it may move.
fn pinned(store: &LocalStore, uri: &ModelUri) -> Result<ModelUri, Error> {
    let mut pinned = uri.clone();
    if let (ModelUri::Registered { version, .. }, Some(found)) =
        (&mut pinned, store.version_of(uri)?)
    {
        *version = VersionSelector::Number(found.version);
    }
    Ok(pinned)
}

#[cfg(test)]
mod tests;
