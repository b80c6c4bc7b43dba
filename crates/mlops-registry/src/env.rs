//! What is read from the environment, here and nowhere else in the libraries.

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod databricks;
#[cfg(feature = "client")]
mod ini;
#[cfg(any(feature = "s3", feature = "azure"))]
mod storage;
#[cfg(feature = "client")]
mod values;

use std::path::PathBuf;

#[cfg(feature = "client")]
pub use client::client_builder;

#[cfg(feature = "client")]
use crate::client::{ModelCache, SettingError};
use crate::uri::split_scheme;
use crate::{Error, LocalStore, Registry, Tracking, UriError, file_uri};

const TRACKING_URI: &str = "MLFLOW_TRACKING_URI";
const REGISTRY_URI: &str = "MLFLOW_REGISTRY_URI";
#[cfg(feature = "client")]
const MODEL_CACHE: &str = "MLOPS_MODEL_CACHE";
const DEFAULT_ROOT: &str = "./mlruns";

/// Opens the store that `MLFLOW_TRACKING_URI` names, else `./mlruns`.
///
/// # Errors
/// As [`store_root`] and [`LocalStore::open`].
pub fn store() -> Result<LocalStore, Error> {
    LocalStore::open(store_root(variable(TRACKING_URI).as_deref())?)
}

/// Opens the store that [`store`] opens, if it is there; nothing is written.
///
/// # Errors
/// As [`store_root`] and [`LocalStore::open_existing`].
pub fn existing_store() -> Result<LocalStore, Error> {
    LocalStore::open_existing(store_root(variable(TRACKING_URI).as_deref())?)
}

/// The registry that `MLFLOW_REGISTRY_URI` or else `MLFLOW_TRACKING_URI` names, else that of the store `./mlruns`; a directory
/// must be there. With the feature `client` it may be that of a server, as [`client_builder`] reads it; its models are kept in
/// the directory that [`cache_root`] says.
///
/// # Errors
/// * [`Io`](crate::ErrorKind::Io) or [`NotFound`](crate::ErrorKind::NotFound) if there is no such directory
/// * those of [`client_builder`] and [`cache_root`]
pub fn registry() -> Result<Registry, Error> {
    let registry_uri = variable(REGISTRY_URI);
    let tracking_uri = variable(TRACKING_URI);
    match store_root(registry_uri.as_deref().or(tracking_uri.as_deref())) {
        Ok(root) => LocalStore::open_existing(root).map(Registry::local),
        #[cfg(feature = "client")]
        Err(error) if error.is_unsupported() => {
            // Where runs are tracked does not matter, unless it is told together with who asks.
            let is_tracked_elsewhere = store_root(tracking_uri.as_deref()).is_ok();
            let builder = client_builder(registry_uri.as_deref().filter(|_| is_tracked_elsewhere))?;
            Ok(Registry::server(builder.build_blocking()?, ModelCache::new(cache_root()?)))
        }
        Err(error) => Err(error),
    }
}

/// Where `MLFLOW_TRACKING_URI` says that runs are tracked, else the store `./mlruns`; a directory is made if it is not there.
/// With the feature `client` it may be a server, as [`client_builder`] reads it.
///
/// # Errors
/// * those of [`store`]
/// * those of [`client_builder`]
pub fn tracking() -> Result<Tracking, Error> {
    match store() {
        Ok(store) => Ok(Tracking::local(store)),
        #[cfg(feature = "client")]
        Err(error) if error.is_unsupported() => {
            Ok(Tracking::server(client_builder(None)?.build_blocking()?))
        }
        Err(error) => Err(error),
    }
}

/// Where models of servers are kept on this machine: the directory `MLOPS_MODEL_CACHE`, else `mlops/models` in
/// `XDG_CACHE_HOME` or `~/.cache`. Whoever may write there decides what is loaded.
///
/// # Errors
/// [`Setting`](crate::ErrorKind::Setting) if none of these is set.
#[cfg(feature = "client")]
pub fn cache_root() -> Result<PathBuf, Error> {
    cache_root_of(&variable)
}

#[cfg(feature = "client")]
fn cache_root_of(variable: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, Error> {
    if let Some(root) = variable(MODEL_CACHE) {
        return Ok(root.into());
    }
    let caches = user_directory(variable, "XDG_CACHE_HOME", ".cache");
    let caches = caches.ok_or_else(|| Error::setting(MODEL_CACHE, SettingError::Missing))?;
    Ok(caches.join("models"))
}

/// Where work that is not done yet is kept on this machine: `mlops` in `XDG_STATE_HOME` or `~/.local/state`; `None` if neither
/// that nor `HOME` is set.
pub fn state_root() -> Option<PathBuf> {
    user_directory(&variable, "XDG_STATE_HOME", ".local/state")
}

/// The directory `mlops` in that which a variable names, else in the usual one in the user's home.
fn user_directory(
    variable: &dyn Fn(&str) -> Option<String>,
    name: &str,
    in_home: &str,
) -> Option<PathBuf> {
    let named = variable(name).map(PathBuf::from);
    let directory = named.or_else(|| Some(PathBuf::from(variable("HOME")?).join(in_home)))?;
    Some(directory.join("mlops"))
}

/// The directory that a tracking URI names: a `file:` URI or a path; without one, `./mlruns`.
///
/// # Errors
/// * [`Unsupported`](crate::ErrorKind::Unsupported) for servers, Databricks and databases
/// * [`InvalidUri`](crate::ErrorKind::InvalidUri) for a malformed `file:` URI
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// use mlops_registry::{ErrorKind, env};
///
/// assert_eq!(env::store_root(Some("file:///srv/mlruns"))?, Path::new("/srv/mlruns"));
/// assert_eq!(env::store_root(None)?, Path::new("./mlruns"));
/// let error = env::store_root(Some("https://mlflow.example.com")).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unsupported);
/// # Ok::<(), mlops_registry::Error>(())
/// ```
pub fn store_root(tracking_uri: Option<&str>) -> Result<PathBuf, Error> {
    let Some(uri) = tracking_uri.filter(|uri| !uri.is_empty()) else {
        return Ok(PathBuf::from(DEFAULT_ROOT));
    };
    let root = match split_scheme(uri) {
        None if uri == "databricks" => Err(UriError::Scheme { scheme: uri.to_owned() }),
        None => Ok(PathBuf::from(uri)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => file_uri::decode(rest),
        Some((scheme, _)) => Err(UriError::Scheme { scheme: scheme.to_owned() }),
    };
    // A tracking URI may hold a password, so the error names the variable instead.
    root.map_err(|error| Error::uri("open the store of", TRACKING_URI, error))
}

/// The name that runs are logged under.
pub(crate) fn user() -> String {
    ["USER", "USERNAME"].into_iter().find_map(variable).unwrap_or_else(|| "unknown".to_owned())
}

/// The name of the running program.
pub(crate) fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn paths_and_file_uris_name_a_directory() {
        for (uri, root) in [
            ("", "./mlruns"),
            ("mlruns", "mlruns"),
            ("/srv/mlruns", "/srv/mlruns"),
            ("file:/srv/ml%20runs", "/srv/ml runs"),
            ("FILE:///srv", "/srv"),
            ("C:\\mlruns", "C:\\mlruns"),
        ] {
            assert_eq!(store_root(Some(uri)).unwrap(), PathBuf::from(root), "{uri}");
        }
    }

    #[cfg(feature = "client")]
    #[test]
    fn models_of_servers_are_kept_where_caches_are() {
        let root = |set: &'static [&'static str]| {
            cache_root_of(&move |name| set.contains(&name).then(|| format!("/{name}")))
        };
        let all: &'static [&'static str] = &["MLOPS_MODEL_CACHE", "XDG_CACHE_HOME", "HOME"];
        for (set, expected) in [
            (all, "/MLOPS_MODEL_CACHE"),
            (&all[1..], "/XDG_CACHE_HOME/mlops/models"),
            (&all[2..], "/HOME/.cache/mlops/models"),
        ] {
            assert_eq!(root(set).unwrap(), PathBuf::from(expected));
        }
        assert_eq!(root(&[]).unwrap_err().kind(), ErrorKind::Setting);
    }

    #[test]
    fn what_is_not_done_is_kept_where_state_is() {
        let of_user = |set: &'static str| {
            let variable = move |name: &str| (name == set).then(|| format!("/{name}"));
            user_directory(&variable, "XDG_STATE_HOME", ".local/state")
        };
        assert_eq!(of_user("XDG_STATE_HOME"), Some("/XDG_STATE_HOME/mlops".into()));
        assert_eq!(of_user("HOME"), Some("/HOME/.local/state/mlops".into()));
        assert_eq!(of_user(""), None);
    }

    #[test]
    fn other_stores_are_refused_without_repeating_the_password() {
        for uri in ["http://u:secret@h", "databricks", "databricks://secret", "sqlite:///secret.db"]
        {
            let error = store_root(Some(uri)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{uri}");
            let text = format!("{error} {}", error.source().unwrap());
            assert!(text.contains("not supported") && !text.contains("secret"), "{text}");
        }
        assert_eq!(store_root(Some("file:x")).unwrap_err().kind(), ErrorKind::InvalidUri);
    }
}
