use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlops_core::ModelDir;
use mlops_core::durable::{self, FileLock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::MlflowClient;
use super::artifacts::{Transfer, blocking};
use super::resolve::ResolvedModel;
use crate::{Error, ErrorKind, ModelUri, VersionSelector};

/// Models of servers in a directory of this machine, for all processes that use the directory.
///
/// ```text
/// ROOT/models/SHA256/    a model, under the digest of its files
/// ROOT/records/          which model a URI of a server led to
/// ROOT/downloads/        what is under way
/// ROOT/locks/            who waits for whom
/// ```
///
/// A model is held against its digest each time it is asked for, and fetched again if a file was changed. Of processes that
/// want the same model at once one fetches it. Nothing is ever removed but what is broken; the directory may be deleted
/// when no process starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCache {
    root: PathBuf,
}

/// A model of a server on this machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CachedModel {
    /// What leads to exactly this model: see [`ResolvedModel::uri`].
    pub uri: ModelUri,
    /// The SHA-256 of its files: see [`ModelDir::digest`].
    pub digest: String,
    /// Its directory, which is not to be written to.
    pub dir: ModelDir,
}

/// What a URI led to.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Record {
    server: String,
    asked: String,
    uri: String,
    digest: String,
}

impl ModelCache {
    /// The cache in a directory, which is made when it is needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The model that a URI means now, fetched if it is not there. For a version by its number, or a logged model, that is
    /// there the server is not asked.
    ///
    /// # Errors
    /// * [`Model`](ErrorKind::Model) if it is no model's directory
    /// * [`Io`](ErrorKind::Io) if the cache cannot be read or written
    /// * those of [`MlflowClient::resolve`] and [`ArtifactRepository::download`](super::ArtifactRepository::download)
    pub async fn fetch(
        &self,
        client: &MlflowClient,
        uri: &ModelUri,
        transfer: &Transfer,
    ) -> Result<CachedModel, Error> {
        let server = client.transport.base.to_string();
        if is_pinned(uri)
            && let Some(model) = self.find(&server, uri).await?
        {
            return Ok(model);
        }
        let resolved = client.resolve(uri).await?;
        let lock = self.lock(&server, &resolved.uri).await?;
        let known =
            if is_pinned(&resolved.uri) { self.find(&server, &resolved.uri).await? } else { None };
        let model = match known {
            Some(model) => model,
            None => self.download(client, &resolved, transfer).await?,
        };
        drop(lock);
        if *uri != resolved.uri {
            self.record(&server, uri, &model)?;
        }
        Ok(model)
    }

    /// The model that a URI led to when it was last [fetched](Self::fetch); no request is made.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if it was not, or a file of the model was changed since
    /// * [`Io`](ErrorKind::Io) if the cache cannot be read
    pub async fn fetch_offline(
        &self,
        client: &MlflowClient,
        uri: &ModelUri,
    ) -> Result<CachedModel, Error> {
        let server = client.transport.base.to_string();
        self.find(&server, uri).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "find in the cache", format_args!("`{uri}`"))
        })
    }

    /// The model that a URI led to, if it is whole.
    async fn find(&self, server: &str, uri: &ModelUri) -> Result<Option<CachedModel>, Error> {
        let (cache, path) = (self.clone(), self.record_path(server, uri));
        blocking("read the cache", move || {
            let text = match fs::read(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(Error::io("read", &path, error)),
            };
            let record: Record = serde_json::from_slice(&text)
                .map_err(|error| Error::malformed(&path).with_source(error))?;
            let uri = record.uri.parse();
            let uri = uri.map_err(|error| Error::uri("read the cache", &record.uri, error))?;
            let path = cache.model_path(&record.digest);
            let whole = ModelDir::open(&path).and_then(|dir| Ok((dir.digest()?, dir)));
            match whole {
                Ok((digest, dir)) if digest == record.digest => {
                    Ok(Some(CachedModel { uri, digest, dir }))
                }
                _ => Ok(None),
            }
        })
        .await
    }

    async fn download(
        &self,
        client: &MlflowClient,
        resolved: &ResolvedModel,
        transfer: &Transfer,
    ) -> Result<CachedModel, Error> {
        let server = client.transport.base.to_string();
        let repository = client.artifact_repository(&resolved.artifact_uri)?;
        let folder = self.root.join("downloads");
        make(&folder)?;
        let arrived = folder.join(key(&server, &resolved.uri.to_string()));
        // It was whole, but nobody came to put it in its place.
        let _ = fs::remove_dir_all(&arrived);
        let path = resolved.path.as_ref().map_or("", |path| path.as_str());
        repository.download(path, &arrived, transfer).await?;
        let (cache, uri) = (self.clone(), resolved.uri.clone());
        let model = blocking("put into the cache", move || cache.adopt(&arrived, uri)).await?;
        self.record(&server, &resolved.uri, &model)?;
        Ok(model)
    }

    /// Takes a directory in under its digest.
    fn adopt(&self, arrived: &Path, uri: ModelUri) -> Result<CachedModel, Error> {
        let unreadable = |error| Error::unreadable_model(arrived, error);
        let digest = ModelDir::open(arrived).and_then(|dir| dir.digest()).map_err(unreadable)?;
        let path = self.model_path(&digest);
        make(&self.root.join("models"))?;
        let intact = |dir: &ModelDir| dir.digest().is_ok_and(|found| found == digest);
        if !ModelDir::open(&path).is_ok_and(|dir| intact(&dir)) {
            // Of what is broken there is nothing to keep.
            let _ = fs::remove_dir_all(&path);
            match durable::move_dir(arrived, &path) {
                // Another process had the same model under another name.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                outcome => outcome.map_err(|error| Error::io("put in place", &path, error))?,
            }
        }
        let _ = fs::remove_dir_all(arrived);
        let dir = ModelDir::open(&path).map_err(|error| Error::unreadable_model(&path, error))?;
        Ok(CachedModel { uri, digest, dir })
    }

    fn record(&self, server: &str, asked: &ModelUri, model: &CachedModel) -> Result<(), Error> {
        let path = self.record_path(server, asked);
        let record = Record {
            server: server.to_owned(),
            asked: asked.to_string(),
            uri: model.uri.to_string(),
            digest: model.digest.clone(),
        };
        make(&self.root.join("records"))?;
        let text = serde_json::to_vec(&record)
            .map_err(|error| Error::malformed(&path).with_source(error))?;
        durable::write(&path, &text).map_err(|error| Error::io("write", &path, error))
    }

    async fn lock(&self, server: &str, uri: &ModelUri) -> Result<FileLock, Error> {
        let folder = self.root.join("locks");
        let path = folder.join(key(server, &uri.to_string()));
        blocking("wait for the lock", move || {
            make(&folder)?;
            FileLock::acquire(&path).map_err(|error| Error::io("lock", &path, error))
        })
        .await
    }

    fn record_path(&self, server: &str, uri: &ModelUri) -> PathBuf {
        self.root.join("records").join(key(server, &uri.to_string()))
    }

    fn model_path(&self, digest: &str) -> PathBuf {
        self.root.join("models").join(digest)
    }
}

/// Whether the URI leads to the same model for ever.
fn is_pinned(uri: &ModelUri) -> bool {
    match uri {
        ModelUri::Registered { version, .. } => matches!(version, VersionSelector::Number(_)),
        ModelUri::LoggedModel { .. } => true,
        ModelUri::Run { .. } | ModelUri::Path(_) => false,
    }
}

fn key(server: &str, uri: &str) -> String {
    format!("{:x}", Sha256::digest(format!("{server}\n{uri}")))
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))
}
