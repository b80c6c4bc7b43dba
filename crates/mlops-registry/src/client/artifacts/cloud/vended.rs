//! Credentials of buckets that are asked for again before they expire.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::CredentialProvider;
#[cfg(feature = "s3")]
use object_store::aws::AwsCredential;
#[cfg(feature = "azure")]
use object_store::azure::AzureCredential;

use super::super::temporary_credentials::TemporaryCredentials;
use super::super::vending::Vending;
use crate::{Error, ErrorKind};

/// Credentials of one kind among those that were lent.
pub(super) struct VendedCredentials<C> {
    vending: Arc<Vending>,
    read: fn(&TemporaryCredentials) -> Option<C>,
}

#[cfg(feature = "s3")]
impl VendedCredentials<AwsCredential> {
    pub(super) fn aws(vending: &Arc<Vending>) -> Self {
        Self { vending: Arc::clone(vending), read: TemporaryCredentials::aws }
    }
}

#[cfg(feature = "azure")]
impl VendedCredentials<AzureCredential> {
    pub(super) fn azure(vending: &Arc<Vending>) -> Self {
        Self { vending: Arc::clone(vending), read: TemporaryCredentials::azure }
    }
}

impl<C> VendedCredentials<C> {
    /// # Errors
    /// [`Malformed`](ErrorKind::Malformed) if what was lent is for another kind of storage.
    pub(super) async fn get(&self) -> Result<C, Error> {
        let credentials = self.vending.credentials().await?;
        (self.read)(&credentials).ok_or_else(|| {
            let target = "credentials of Unity Catalog that are not for the version's location";
            Error::new(ErrorKind::Malformed, "use", target)
        })
    }
}

#[async_trait]
impl<C: Send + Sync> CredentialProvider for VendedCredentials<C> {
    type Credential = C;

    async fn get_credential(&self) -> object_store::Result<Arc<C>> {
        let failed = |error| object_store::Error::Generic {
            store: "Unity Catalog",
            source: Box::new(error),
        };
        self.get().await.map(Arc::new).map_err(failed)
    }
}

impl<C> std::fmt::Debug for VendedCredentials<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VendedCredentials").field("vending", &self.vending).finish_non_exhaustive()
    }
}
