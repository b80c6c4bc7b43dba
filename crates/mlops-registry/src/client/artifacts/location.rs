use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Url;

use super::bucket::Bucket;
use super::folder::Folder;
use super::proxy::Proxy;
use super::signed::{Owner, Signed};
use super::store::Store;
use super::vended::{CatalogVersion, Vended};
use crate::client::MlflowClient;
use crate::uri::split_scheme;
use crate::{ArtifactPath, Error, ErrorKind, UriError, file_uri};

/// Where a server keeps artifacts, in its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// Behind the server itself.
    Proxied {
        /// Host and port of another server, if there is one.
        authority: Option<String>,
        /// Below the server's artifacts; empty for all of them.
        path: String,
    },
    /// A directory of the machine that the program runs on.
    Local(PathBuf),
    /// In object storage.
    Bucket(Bucket),
    /// Kept by Databricks.
    Signed {
        owner: Owner,
        /// Below what belongs to the owner.
        path: String,
    },
    /// Of a version in Unity Catalog.
    Vended(CatalogVersion),
}

const DATABRICKS: &str = "dbfs";
const REGISTRY: &str = "/databricks/mlflow-registry/";
const PROXIED: &str = "mlflow-artifacts";

impl Location {
    /// # Errors
    /// [`InvalidUri`](ErrorKind::InvalidUri), and [`Unsupported`](ErrorKind::Unsupported) for other schemes.
    pub(crate) fn parse(uri: &str) -> Result<Self, Error> {
        // What stands before `@` may be a password.
        let shown = if uri.contains('@') { "the location with a user" } else { uri };
        let malformed = |error: UriError| Error::uri("open the artifact repository", shown, error);
        let Some((scheme, rest)) = split_scheme(uri) else {
            return if uri.is_empty() {
                Err(malformed(UriError::Empty))
            } else {
                Ok(Self::Local(PathBuf::from(uri)))
            };
        };
        if scheme.eq_ignore_ascii_case("file") {
            return file_uri::decode(rest).map(Self::Local).map_err(malformed);
        }
        if scheme.eq_ignore_ascii_case(DATABRICKS)
            && let Some((owner, path)) = databricks_owner(rest)
        {
            return Ok(Self::Signed { owner, path });
        }
        if let Some(bucket) = Bucket::parse(scheme, rest).map_err(malformed)? {
            return Ok(Self::Bucket(bucket));
        }
        if !scheme.eq_ignore_ascii_case(PROXIED) {
            return Err(malformed(UriError::Scheme { scheme: scheme.to_owned() }));
        }
        let (authority, path) = match rest.strip_prefix("//") {
            None => ("", rest),
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        };
        let path = path.trim_matches('/');
        let is_path = path.is_empty() || path.parse::<ArtifactPath>().is_ok();
        // MLflow says itself that a bare port is no host.
        let is_host = authority.is_empty()
            || !authority.contains('@') && !authority.bytes().all(|byte| byte.is_ascii_digit());
        if !rest.starts_with('/') || !is_path || !is_host {
            return Err(malformed(UriError::Slash { scheme: PROXIED }));
        }
        let authority = (!authority.is_empty()).then(|| authority.to_owned());
        Ok(Self::Proxied { authority, path: path.to_owned() })
    }

    /// The location of the files of a registered version, which the registry of a Databricks workspace keeps itself.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn of_version(uri: &str, name: &str, version: u64) -> Result<Self, Error> {
        let is_kept = split_scheme(uri).is_some_and(|(scheme, rest)| {
            scheme.eq_ignore_ascii_case(DATABRICKS) && rest.starts_with(REGISTRY)
        });
        if !is_kept {
            return Self::parse(uri);
        }
        let owner = Owner::Version { name: name.to_owned(), version };
        Ok(Self::Signed { owner, path: String::new() })
    }

    /// # Errors
    /// * [`Unsupported`](ErrorKind::Unsupported) for a local location that the client may not use, and for a bucket that
    ///   the crate was compiled without a way to
    /// * [`Setting`](ErrorKind::Setting) if the options of object storage do not lead there
    pub(crate) fn open(self, client: &MlflowClient) -> Result<Arc<dyn Store>, Error> {
        match self {
            Self::Proxied { authority, path } => {
                let server = server(&client.transport.base, authority.as_deref())?;
                Ok(Arc::new(Proxy::new(Arc::clone(&client.transport), &server, path)))
            }
            #[cfg(any(feature = "s3", feature = "azure"))]
            Self::Bucket(bucket) => client.cloud.open(&bucket),
            #[cfg(not(any(feature = "s3", feature = "azure")))]
            Self::Bucket(bucket) => Err(bucket.without_feature()),
            Self::Signed { owner, path } => {
                Ok(Arc::new(Signed::new(Arc::clone(&client.transport), owner, path)?))
            }
            Self::Vended(version) => Ok(Arc::new(Vended::new(client.clone(), version))),
            Self::Local(path) if client.local_artifacts => Ok(Arc::new(Folder::new(path))),
            Self::Local(path) => {
                let target = format_args!("`{}`, a path of the server's machine", path.display());
                Err(Error::new(ErrorKind::Unsupported, "open the artifact repository", target))
            }
        }
    }
}

/// Whose artifacts are at `/databricks/mlflow-tracking/EXPERIMENT/..`, and where among them.
fn databricks_owner(rest: &str) -> Option<(Owner, String)> {
    let path = rest.strip_prefix("/databricks/mlflow-tracking/")?.trim_end_matches('/');
    path.parse::<ArtifactPath>().ok()?;
    // They become parts of addresses.
    let is_id =
        |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let mut parts = path.splitn(4, '/').skip(1);
    match (parts.next()?, parts.next()?, parts.next().unwrap_or("")) {
        ("logged_models", id, path) if is_id(id) => {
            Some((Owner::LoggedModel(id.to_owned()), path.to_owned()))
        }
        (id, "artifacts", path) if is_id(id) => Some((Owner::Run(id.to_owned()), path.to_owned())),
        _ => None,
    }
}

/// The server that a location names, with the path of the client's.
fn server(base: &Url, authority: Option<&str>) -> Result<Url, Error> {
    let Some(authority) = authority else { return Ok(base.clone()) };
    let named = Url::parse(&format!("{}://{authority}{}", base.scheme(), base.path()));
    named.map_err(|error| {
        let target = format_args!("the artifacts of `{authority}`");
        Error::new(ErrorKind::InvalidUri, "open", target).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(authority: Option<&str>, path: &str) -> Location {
        Location::Proxied { authority: authority.map(str::to_owned), path: path.to_owned() }
    }

    #[test]
    fn locations_are_behind_the_server_or_local() {
        for (uri, location) in [
            ("mlflow-artifacts:/1/r/artifacts", proxied(None, "1/r/artifacts")),
            ("MLFLOW-ARTIFACTS:/1/a b/", proxied(None, "1/a b")),
            ("mlflow-artifacts:/", proxied(None, "")),
            ("mlflow-artifacts://h:8080/1", proxied(Some("h:8080"), "1")),
            ("file:///srv/a%20b", Location::Local("/srv/a b".into())),
            ("/srv/a", Location::Local("/srv/a".into())),
        ] {
            assert_eq!(Location::parse(uri).unwrap(), location, "{uri}");
        }
        for uri in [
            "",
            "mlflow-artifacts:1",
            "mlflow-artifacts:/../x",
            "mlflow-artifacts://5000/1",
            "mlflow-artifacts://u:secret@h/1",
        ] {
            assert_eq!(Location::parse(uri).unwrap_err().kind(), ErrorKind::InvalidUri, "{uri}");
        }
        for uri in ["hdfs://h/x", "dbfs:/FileStore/x", "dbfs:/databricks/mlflow-registry/1/m"] {
            assert!(Location::parse(uri).unwrap_err().is_unsupported(), "{uri}");
        }
    }

    #[test]
    fn databricks_says_whose_artifacts_they_are() {
        let signed = |owner, path: &str| Location::Signed { owner, path: path.to_owned() };
        let root = "dbfs:/databricks/mlflow-tracking/12";
        for (path, owner, rest) in [
            ("0a/artifacts", Owner::Run("0a".to_owned()), ""),
            ("0a/artifacts/plots/a b/", Owner::Run("0a".to_owned()), "plots/a b"),
            ("logged_models/m-1", Owner::LoggedModel("m-1".to_owned()), ""),
            ("logged_models/m-1/data", Owner::LoggedModel("m-1".to_owned()), "data"),
        ] {
            let location = Location::parse(&format!("{root}/{path}")).unwrap();
            assert_eq!(location, signed(owner, rest), "{path}");
        }
        let uri = "dbfs:/databricks/mlflow-registry/1/models/wine";
        let owner = Owner::Version { name: "wine".to_owned(), version: 3 };
        assert_eq!(Location::of_version(uri, "wine", 3).unwrap(), signed(owner, ""));
        let elsewhere = Location::of_version("/srv/wine", "wine", 3).unwrap();
        assert_eq!(elsewhere, Location::Local("/srv/wine".into()));
    }

    #[test]
    fn a_location_on_another_host_keeps_the_path_of_the_server() {
        let base = Url::parse("https://h/pfx").unwrap();
        assert_eq!(server(&base, Some("other:8080")).unwrap().as_str(), "https://other:8080/pfx");
        assert_eq!(server(&base, None).unwrap(), base);
        server(&base, Some("a b")).unwrap_err();
    }
}
