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
/// when no process starts. Whoever may write there decides what is loaded.
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
    /// What the server said of a version when it was fetched: a registry that was emptied gives the same numbers again.
    creation_timestamp: Option<i64>,
    source: Option<String>,
}

impl Record {
    /// Whether it was of what the server has now.
    fn is_of(&self, resolved: &ResolvedModel) -> bool {
        let version = resolved.version.as_ref();
        self.creation_timestamp == version.map(|version| version.creation_timestamp)
            && self.source.as_deref() == version.map(|version| version.source.as_str())
    }
}

impl ModelCache {
    /// The cache in a directory, which is made when it is needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The model that a URI means now, fetched if it is not there. A logged model that is there is not asked for; a version is,
    /// and where the server gives no answer, one that is there by its number is taken.
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
        let server = client.registry_identity();
        if matches!(uri, ModelUri::LoggedModel { .. })
            && let Some((_, model)) = self.find(&server, uri).await?
        {
            return Ok(model);
        }
        let resolved = match client.resolve(uri).await {
            Err(error) if error.is_transient() && is_pinned(uri) => {
                return self.find(&server, uri).await?.map(|(_, model)| model).ok_or(error);
            }
            resolved => resolved?,
        };
        let lock = self.lock(key(&server, &resolved.uri)).await?;
        let known = if is_pinned(&resolved.uri) {
            let found = self.find(&server, &resolved.uri).await?;
            found.filter(|(record, _)| record.is_of(&resolved)).map(|(_, model)| model)
        } else {
            None
        };
        let model = match known {
            Some(model) => model,
            None => self.download(client, &server, &resolved, transfer).await?,
        };
        drop(lock);
        if *uri != resolved.uri {
            self.record(&server, uri, &resolved, &model)?;
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
        let found = self.find(&client.registry_identity(), uri).await?;
        found.map(|(_, model)| model).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "find in the cache", format_args!("`{uri}`"))
        })
    }

    /// What a URI led to, if it is whole.
    async fn find(
        &self,
        server: &str,
        uri: &ModelUri,
    ) -> Result<Option<(Record, CachedModel)>, Error> {
        let (cache, path) = (self.clone(), self.record_path(server, uri));
        blocking("read the cache", move || {
            let text = match fs::read(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(Error::io("read", &path, error)),
            };
            // What cannot be read is written again.
            let Ok(record) = serde_json::from_slice::<Record>(&text) else { return Ok(None) };
            let Ok(uri) = record.uri.parse() else { return Ok(None) };
            let dir = whole(&cache.model_path(&record.digest), &record.digest);
            Ok(dir.map(|dir| {
                let digest = record.digest.clone();
                (record, CachedModel { uri, digest, dir })
            }))
        })
        .await
    }

    async fn download(
        &self,
        client: &MlflowClient,
        server: &str,
        resolved: &ResolvedModel,
        transfer: &Transfer,
    ) -> Result<CachedModel, Error> {
        let repository = client.artifacts_of(resolved)?;
        let folder = self.root.join("downloads");
        make(&folder)?;
        let arrived = folder.join(key(server, &resolved.uri));
        // It was whole, but nobody came to put it in its place.
        let _ = fs::remove_dir_all(&arrived);
        let path = resolved.path.as_ref().map_or("", |path| path.as_str());
        repository.download(path, &arrived, transfer).await?;
        let (at, unreadable) = (arrived.clone(), Error::unreadable_model);
        let digest = blocking("read the model", move || {
            let digest = ModelDir::open(&at).and_then(|dir| dir.digest());
            digest.map_err(|error| unreadable(&at, error))
        });
        let digest = digest.await?;
        // Another URI may lead to the same files.
        let _lock = self.lock(digest.clone()).await?;
        let (cache, of) = (self.clone(), digest.clone());
        let dir = blocking("put into the cache", move || cache.adopt(&arrived, &of)).await?;
        let model = CachedModel { uri: resolved.uri.clone(), digest, dir };
        self.record(server, &resolved.uri, resolved, &model)?;
        Ok(model)
    }

    /// Takes a directory in under its digest. The caller holds the lock of the digest.
    fn adopt(&self, arrived: &Path, digest: &str) -> Result<ModelDir, Error> {
        let path = self.model_path(digest);
        make(&self.root.join("models"))?;
        if let Some(dir) = whole(&path, digest) {
            let _ = fs::remove_dir_all(arrived);
            return Ok(dir);
        }
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove the broken", &path, error));
            }
            _ => {}
        }
        durable::move_dir(arrived, &path)
            .map_err(|error| Error::io("put in place", &path, error))?;
        ModelDir::open(&path).map_err(|error| Error::unreadable_model(&path, error))
    }

    fn record(
        &self,
        server: &str,
        asked: &ModelUri,
        resolved: &ResolvedModel,
        model: &CachedModel,
    ) -> Result<(), Error> {
        let path = self.record_path(server, asked);
        let version = resolved.version.as_ref();
        let record = Record {
            server: server.to_owned(),
            asked: asked.to_string(),
            uri: model.uri.to_string(),
            digest: model.digest.clone(),
            creation_timestamp: version.map(|version| version.creation_timestamp),
            source: version.map(|version| version.source.clone()),
        };
        make(&self.root.join("records"))?;
        let text = serde_json::to_vec(&record)
            .map_err(|error| Error::malformed(&path).with_source(error))?;
        durable::write(&path, &text).map_err(|error| Error::io("write", &path, error))
    }

    async fn lock(&self, name: String) -> Result<FileLock, Error> {
        let folder = self.root.join("locks");
        blocking("wait for the lock", move || {
            make(&folder)?;
            let path = folder.join(name);
            FileLock::acquire(&path).map_err(|error| Error::io("lock", &path, error))
        })
        .await
    }

    fn record_path(&self, server: &str, uri: &ModelUri) -> PathBuf {
        self.root.join("records").join(key(server, uri))
    }

    fn model_path(&self, digest: &str) -> PathBuf {
        self.root.join("models").join(digest)
    }
}

/// Whether the URI leads to the same model whatever happens to stages and aliases.
fn is_pinned(uri: &ModelUri) -> bool {
    match uri {
        ModelUri::Registered { version, .. } => matches!(version, VersionSelector::Number(_)),
        ModelUri::LoggedModel { .. } => true,
        ModelUri::Run { .. } | ModelUri::Path(_) => false,
    }
}

/// The model in a directory, if its files have the digest.
fn whole(path: &Path, digest: &str) -> Option<ModelDir> {
    let dir = ModelDir::open(path).ok()?;
    dir.digest().is_ok_and(|found| found == digest).then_some(dir)
}

fn key(server: &str, uri: &ModelUri) -> String {
    format!("{:x}", Sha256::digest(format!("{server}\n{uri}")))
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))
}
