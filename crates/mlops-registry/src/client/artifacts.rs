//! The files of runs and models.

mod bucket;
mod checksums;
#[cfg(any(feature = "s3", feature = "azure"))]
mod cloud;
mod download;
mod fetch;
mod file_body;
mod folder;
mod ledger;
mod listing;
mod location;
#[cfg(any(feature = "s3", feature = "azure"))]
mod objects;
mod part_file;
mod proxy;
mod send;
mod signed;
mod staging;
mod store;
mod temporary_credentials;
mod transfer;
mod upload;
mod vended;
mod vending;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub(crate) use checksums::Checksums;
#[cfg(any(feature = "s3", feature = "azure"))]
pub(crate) use cloud::Cloud;
pub use transfer::{Progress, Transfer};
pub(crate) use upload::{DESCRIPTION, Source, upload_files};

use tokio::task::JoinError;

use super::{MlflowClient, ResolvedModel};
use crate::{ArtifactPath, Error, ErrorKind, ModelVersion};
use location::Location;
use store::Store;
use vended::CatalogVersion;
use vending::Operation;

/// A file or folder among the artifacts of a run or model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// Its path below the repository's location, with `/` between the parts.
    pub path: String,
    /// How many bytes the file has, if the store says so.
    pub size: Option<u64>,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Changes when the file does, if the store says so.
    pub(crate) tag: Option<String>,
}

/// Where the files of a run or a model are, from [`MlflowClient::artifact_repository`].
///
/// # Examples
/// ```no_run
/// use std::path::Path;
///
/// use mlops_registry::client::{MlflowClient, Transfer};
///
/// # async fn example(client: MlflowClient, run: mlops_registry::client::Run) -> Result<(), mlops_registry::Error> {
/// let artifacts = client.artifact_repository(&run.artifact_uri)?;
/// artifacts.upload(Path::new("plots"), "plots", &Transfer::default()).await?;
/// for artifact in artifacts.list().await? {
///     println!("{} {:?}", artifact.path, artifact.size);
/// }
/// artifacts.download("plots", Path::new("copy"), &Transfer::default()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ArtifactRepository {
    uri: String,
    store: Arc<dyn Store>,
    client: MlflowClient,
}

/// Folders below folders below folders; more of them are a circle of links.
const MAX_DEPTH: usize = 32;

impl MlflowClient {
    /// The files at a location that the server named, such as a run's `artifact_uri`. Nothing is sent yet.
    ///
    /// | location | |
    /// |---|---|
    /// | `mlflow-artifacts:` | behind the server |
    /// | `file:`, a path | where the client was [allowed](super::MlflowClientBuilder::local_artifacts) to |
    /// | `dbfs:` of a run or logged model of Databricks | by addresses that Databricks signs |
    /// | `s3:` | with the feature `s3`, by the client's `storage_options` |
    /// | `wasbs:`, `abfss:` | with the feature `azure`, by the client's `storage_options` |
    ///
    /// # Errors
    /// * [`InvalidUri`](ErrorKind::InvalidUri) if the location is malformed
    /// * [`Unsupported`](ErrorKind::Unsupported) if it is of another kind, or a local one that is not allowed
    /// * [`Setting`](ErrorKind::Setting) if the options do not lead there
    pub fn artifact_repository(&self, uri: &str) -> Result<ArtifactRepository, Error> {
        self.repository_at(uri, Location::parse(uri)?)
    }

    /// The files at the location of a model that was resolved, also where only the version that has them leads there, as in
    /// the registry of a Databricks workspace and in Unity Catalog. The catalog lends credentials for them; of the client's
    /// `storage_options` it takes those then that say where buckets are, such as `aws_region`, and looks at them when the
    /// files are asked for.
    ///
    /// # Errors
    /// As [`artifact_repository`](Self::artifact_repository).
    pub fn artifacts_of(&self, model: &ResolvedModel) -> Result<ArtifactRepository, Error> {
        let uri = &model.artifact_uri;
        let location = match &model.owner {
            Some((name, version)) if self.transport.of_registry().has_unity_catalog => {
                return self.in_unity_catalog(CatalogVersion {
                    name: name.to_string(),
                    version: *version,
                    uri: uri.clone(),
                    operation: Operation::Read,
                });
            }
            Some((name, version)) => Location::of_version(uri, name.as_str(), *version)?,
            None => Location::parse(uri)?,
        };
        self.repository_at(uri, location)
    }

    /// Where the files of a pending version in Unity Catalog go.
    pub(crate) fn artifacts_for(
        &self,
        version: &ModelVersion,
    ) -> Result<ArtifactRepository, Error> {
        self.in_unity_catalog(CatalogVersion {
            name: version.name.clone(),
            version: version.version,
            uri: version.storage_location.clone().unwrap_or_default(),
            operation: Operation::ReadWrite,
        })
    }

    fn in_unity_catalog(&self, version: CatalogVersion) -> Result<ArtifactRepository, Error> {
        // The location may be empty, or that of all versions.
        let uri = format!("models:/{}/{}", version.name, version.version);
        self.repository_at(&uri, Location::Vended(version))
    }

    fn repository_at(&self, uri: &str, location: Location) -> Result<ArtifactRepository, Error> {
        Ok(ArtifactRepository {
            uri: uri.trim_end_matches('/').to_owned(),
            store: location.open(self)?,
            client: self.clone(),
        })
    }
}

impl ArtifactRepository {
    /// The location.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// All files, also those in folders, by their paths; none if there is nothing at the location.
    ///
    /// # Errors
    /// * [`Malformed`](ErrorKind::Malformed) if a name would lead out of the location
    /// * what goes wrong with the store
    pub async fn list(&self) -> Result<Vec<Artifact>, Error> {
        self.list_below("").await
    }

    /// The files in a folder and below it.
    pub(crate) async fn list_below(&self, folder: &str) -> Result<Vec<Artifact>, Error> {
        let mut files = Vec::new();
        let mut pending = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = pending.pop() {
            for artifact in self.store.list(&folder).await? {
                self.check(&artifact)?;
                if !artifact.is_folder {
                    files.push(artifact);
                } else if depth < MAX_DEPTH {
                    pending.push((artifact.path, depth + 1));
                } else {
                    return Err(self.malformed(&artifact.path));
                }
            }
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        match files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            Some(twice) => Err(self.malformed(&twice[0].path)),
            None => Ok(files),
        }
    }

    /// The names come from elsewhere and become those of files here.
    fn check(&self, artifact: &Artifact) -> Result<(), Error> {
        let path: Result<ArtifactPath, _> = artifact.path.parse();
        path.map(|_| ()).map_err(|error| self.malformed(&artifact.path).with_source(error))
    }

    fn malformed(&self, path: &str) -> Error {
        Error::new(ErrorKind::Malformed, "list", format_args!("`{path}` of `{}`", self.uri))
    }

    /// The content of one file, for files that fit into memory.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if the path is not a plain relative one
    /// * [`NotFound`](ErrorKind::NotFound) if there is none
    /// * what goes wrong with the store
    pub async fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        checked("read", path)?;
        download::read(self, path).await
    }

    /// Copies a folder, all for an empty `path`, to `destination`, which appears when it is whole. What an earlier attempt
    /// left beside it under a name with the ending `.partial` is gone on with while the store lists the same files and sizes:
    /// whole files are not fetched again, and others from where they ended if the store says that they have not changed
    /// since.
    ///
    /// What a file `SHA256SUMS` among them, as `sha256sum` writes it, says of others is checked.
    ///
    /// # Errors
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if there is something at `destination`
    /// * [`InvalidName`](ErrorKind::InvalidName) if the path is not a plain relative one
    /// * [`NotFound`](ErrorKind::NotFound) if the folder is not there or empty
    /// * [`Malformed`](ErrorKind::Malformed) if a file is not what its size or checksum says
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    /// * what goes wrong with the store
    pub async fn download(
        &self,
        path: &str,
        destination: &Path,
        transfer: &Transfer,
    ) -> Result<(), Error> {
        checked("download", path)?;
        download::folder(self, path, destination, transfer).await
    }

    /// Copies a folder or file of this machine to `path`, the location itself for an empty one, and looks whether all of it
    /// arrived. A file `MLmodel` goes last: what was broken off is no model.
    ///
    /// # Errors
    /// * [`Io`](ErrorKind::Io) if it cannot be read
    /// * [`InvalidName`](ErrorKind::InvalidName) if a name is not UTF-8 or none that MLflow takes
    /// * [`Malformed`](ErrorKind::Malformed) if the store has another size of a file afterwards
    /// * what goes wrong with the store
    pub async fn upload(
        &self,
        source: &Path,
        path: &str,
        transfer: &Transfer,
    ) -> Result<(), Error> {
        checked("upload to", path)?;
        upload::upload(self, source, path, transfer).await
    }
}

impl fmt::Display for ArtifactRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

/// The path of a caller, empty for the location itself.
fn checked(operation: &'static str, path: &str) -> Result<(), Error> {
    let checked: Result<ArtifactPath, _> = path.parse();
    match checked {
        Err(error) if !path.is_empty() => Err(Error::name(operation, path, error)),
        _ => Ok(()),
    }
}

/// The path of something below a folder, which may be the empty one.
pub(crate) fn join(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

/// Does what waits for the disk where that holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.map_err(|error| gave_no_answer(operation, "a thread", error))?
}

/// A task ended early.
fn gave_no_answer(operation: &'static str, target: impl fmt::Display, error: JoinError) -> Error {
    Error::new(ErrorKind::Io, operation, target).with_source(error)
}

#[cfg(test)]
mod tests;
