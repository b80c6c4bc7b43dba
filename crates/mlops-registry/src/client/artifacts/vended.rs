//! The files of versions in Unity Catalog.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::Artifact;
use super::location::Location;
use super::signed::{Owner, Signed};
use super::store::{Answer, Content, Sent, Span, Store};
use super::temporary_credentials::StorageMode;
use super::vending::{Operation, Vending};
use crate::client::MlflowClient;
use crate::{Error, ErrorKind};

/// The files of one version.
#[derive(Debug)]
pub(crate) struct Vended {
    client: MlflowClient,
    version: CatalogVersion,
    vending: Arc<Vending>,
    /// Who keeps them is known when it was asked for credentials.
    store: OnceCell<Arc<dyn Store>>,
}

/// What files are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CatalogVersion {
    pub(crate) name: String,
    pub(crate) version: u64,
    /// The location in the catalog's words, which may be empty where it keeps the files itself.
    pub(crate) uri: String,
    pub(crate) operation: Operation,
}

impl Vended {
    pub(crate) fn new(client: MlflowClient, version: CatalogVersion) -> Self {
        let CatalogVersion { name, version: number, operation, .. } = &version;
        let transport = Arc::clone(&client.transport);
        let vending = Arc::new(Vending::new(transport, name.clone(), *number, *operation));
        Self { client, version, vending, store: OnceCell::new() }
    }

    async fn store(&self) -> Result<&dyn Store, Error> {
        self.store.get_or_try_init(|| self.open()).await.map(|store| &**store)
    }

    async fn open(&self) -> Result<Arc<dyn Store>, Error> {
        let CatalogVersion { name, version, uri, .. } = &self.version;
        let credentials = self.vending.credentials().await?;
        if credentials.storage_mode == StorageMode::DefaultStorage {
            let root = format!("Models/{}/{version}", name.replace('.', "/"));
            let transport = Arc::clone(&self.client.transport);
            return Ok(Arc::new(Signed::new(transport, Owner::Filesystem, root)?));
        }
        match Location::parse(uri)? {
            #[cfg(any(feature = "s3", feature = "azure"))]
            Location::Bucket(bucket) => self.client.cloud.open_vended(&bucket, &self.vending).await,
            #[cfg(not(any(feature = "s3", feature = "azure")))]
            Location::Bucket(bucket) => Err(bucket.without_feature()),
            // No other place takes such credentials.
            _ => {
                let target = format_args!("`{uri}`, where Unity Catalog has `{name}/{version}`");
                Err(Error::new(ErrorKind::Unsupported, "open", target))
            }
        }
    }
}

impl Store for Vended {
    fn list<'a>(&'a self, folder: &'a str) -> Answer<'a, Vec<Artifact>> {
        Box::pin(async move { self.store().await?.list(folder).await })
    }

    fn read<'a>(&'a self, path: &'a str, span: Option<&'a Span>) -> Answer<'a, Content> {
        Box::pin(async move { self.store().await?.read(path, span).await })
    }

    fn write<'a>(&'a self, path: &'a str, source: &'a Path, sent: Sent) -> Answer<'a, ()> {
        Box::pin(async move { self.store().await?.write(path, source, sent).await })
    }

    /// Nothing is promised of a version that is pending.
    fn lists_writes(&self) -> bool {
        self.version.operation == Operation::Read
    }
}

#[cfg(test)]
mod tests;
