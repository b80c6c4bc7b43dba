//! Ways to buckets: by which options and connections.

mod connections;
mod vended;

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "s3")]
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
#[cfg(feature = "azure")]
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::bucket::Bucket;
use super::objects::Objects;
use super::store::Store;
use super::vending::Vending;
use crate::client::retries::Retries;
use crate::client::storage_options::StorageOptions;
use crate::client::transport::Timeouts;
use crate::{Error, ErrorKind};
use connections::Connections;
pub(crate) use connections::status_of;
use vended::VendedCredentials;

/// What all buckets are reached by.
pub(crate) struct Cloud {
    /// Looked at when a bucket is opened: most clients never do.
    pub(crate) options: Vec<(String, String)>,
    pub(crate) timeouts: Timeouts,
    pub(crate) retries: Retries,
}

impl Cloud {
    /// # Errors
    /// * [`Unsupported`](ErrorKind::Unsupported) if the crate was compiled without that kind of storage
    /// * [`Setting`](ErrorKind::Setting) if the options do not lead there
    pub(crate) fn open(&self, bucket: &Bucket) -> Result<Arc<dyn Store>, Error> {
        let store = match bucket {
            #[cfg(feature = "s3")]
            Bucket::S3 { bucket, .. } => self.s3(bucket)?,
            #[cfg(feature = "azure")]
            Bucket::Azure { container, account, domain, .. } => {
                self.azure(container, account, domain)?
            }
            #[cfg(not(all(feature = "s3", feature = "azure")))]
            _ => return Err(bucket.without_feature()),
        };
        Ok(Arc::new(Objects::new(store, bucket)))
    }

    /// A bucket that somebody lends credentials for, in place of those of the options.
    ///
    /// # Errors
    /// * as [`open`](Self::open)
    /// * [`Malformed`](ErrorKind::Malformed) if what is lent is for another kind of storage
    pub(crate) async fn open_vended(
        &self,
        bucket: &Bucket,
        vending: &Arc<Vending>,
    ) -> Result<Arc<dyn Store>, Error> {
        let store = match bucket {
            #[cfg(feature = "s3")]
            Bucket::S3 { bucket, .. } => self.s3_vended(bucket, vending).await?,
            #[cfg(feature = "azure")]
            Bucket::Azure { container, account, domain, .. } => {
                self.azure_vended(container, account, domain, vending).await?
            }
            #[cfg(not(all(feature = "s3", feature = "azure")))]
            _ => return Err(bucket.without_feature()),
        };
        Ok(Arc::new(Objects::new(store, bucket)))
    }

    #[cfg(feature = "s3")]
    fn s3(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, Error> {
        let options = StorageOptions::parse(&self.options)?;
        self.s3_by(bucket, &options, AmazonS3Builder::new())
    }

    #[cfg(feature = "s3")]
    async fn s3_vended(
        &self,
        bucket: &str,
        vending: &Arc<Vending>,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let options = StorageOptions::parse(&self.options)?.of_place();
        let credentials = VendedCredentials::aws(vending);
        // What is of another kind is told at once.
        credentials.get().await?;
        let mut builder = AmazonS3Builder::new().with_credentials(Arc::new(credentials));
        for (name, value) in vending.credentials().await?.aws_encryption() {
            builder = builder.with_config(name.parse().map_err(unusable)?, value);
        }
        self.s3_by(bucket, &options, builder)
    }

    #[cfg(feature = "s3")]
    fn s3_by(
        &self,
        bucket: &str,
        options: &StorageOptions<AmazonS3ConfigKey>,
        mut builder: AmazonS3Builder,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        for (key, value) in &options.pairs {
            builder = builder.with_config(*key, value);
        }
        let builder = builder
            .with_bucket_name(bucket)
            .with_retry(self.retry_config())
            .with_http_connector(Connections::new(options.believes_anyone, self.timeouts)?);
        Ok(Arc::new(builder.build().map_err(unusable)?))
    }

    #[cfg(feature = "azure")]
    fn azure(
        &self,
        container: &str,
        account: &str,
        domain: &str,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        use AzureConfigKey as Key;

        let options = StorageOptions::<Key>::parse(&self.options)?;
        let mut builder = with_options(&options);
        // A server that names another account must not be shown who asks for this one.
        match builder.get_config_value(&Key::AccountName) {
            Some(own) if own == account => {}
            Some(_) => {
                let target = format_args!("the account `{account}`, not that of the options");
                return Err(Error::new(ErrorKind::Setting, "use", target));
            }
            // A key signs and is not sent.
            None if builder.get_config_value(&Key::AccessKey).is_some() => {
                builder = builder.with_credential_type("access_key");
            }
            None => return Err(missing("azure_storage_account_name")),
        }
        self.azure_by(container, account, domain, &options, builder)
    }

    #[cfg(feature = "azure")]
    async fn azure_vended(
        &self,
        container: &str,
        account: &str,
        domain: &str,
        vending: &Arc<Vending>,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let options = StorageOptions::<AzureConfigKey>::parse(&self.options)?;
        let is_own = |(key, value): &(AzureConfigKey, String)| {
            *key == AzureConfigKey::AccountName && value == account
        };
        // An address that is not the account's is not for it.
        let options = if options.pairs.iter().any(is_own) {
            options.of_place()
        } else {
            StorageOptions::parse(&[])?
        };
        let credentials = VendedCredentials::azure(vending);
        // What is of another kind is told at once.
        credentials.get().await?;
        let builder = with_options(&options).with_credentials(Arc::new(credentials));
        self.azure_by(container, account, domain, &options, builder)
    }

    #[cfg(feature = "azure")]
    fn azure_by(
        &self,
        container: &str,
        account: &str,
        domain: &str,
        options: &StorageOptions<AzureConfigKey>,
        mut builder: MicrosoftAzureBuilder,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        match builder.get_config_value(&AzureConfigKey::Endpoint) {
            Some(_) => {}
            // In another cloud the name may be somebody else's.
            None if domain == Bucket::AZURE_DOMAIN => {
                builder = builder.with_endpoint(format!("https://{account}.blob.{domain}"));
            }
            None => return Err(missing("azure_storage_endpoint")),
        }
        let builder = builder
            .with_account(account)
            .with_container_name(container)
            .with_retry(self.retry_config())
            .with_http_connector(Connections::new(options.believes_anyone, self.timeouts)?);
        Ok(Arc::new(builder.build().map_err(unusable)?))
    }

    fn retry_config(&self) -> RetryConfig {
        let Retries { count, first, longest } = self.retries;
        // Between bounds that are equal there is no number to draw.
        let first = first.max(Duration::from_millis(1));
        let backoff =
            BackoffConfig { init_backoff: first, max_backoff: longest.max(first), base: 2.0 };
        RetryConfig {
            backoff,
            max_retries: usize::try_from(count).unwrap_or(usize::MAX),
            retry_timeout: (longest + self.timeouts.read).saturating_mul(count),
        }
    }
}

/// Without the options, which may be secrets.
impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { timeouts, retries, .. } = self;
        f.debug_struct("Cloud")
            .field("timeouts", timeouts)
            .field("retries", retries)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "azure")]
fn with_options(options: &StorageOptions<AzureConfigKey>) -> MicrosoftAzureBuilder {
    let set = |builder: MicrosoftAzureBuilder, (key, value): &(AzureConfigKey, String)| {
        builder.with_config(*key, value)
    };
    options.pairs.iter().fold(MicrosoftAzureBuilder::new(), set)
}

#[cfg(feature = "azure")]
fn missing(option: &str) -> Error {
    Error::setting(format_args!("`{option}`"), crate::client::SettingError::Missing)
}

/// The options contradict each other, or one is malformed.
fn unusable(error: object_store::Error) -> Error {
    Error::new(ErrorKind::Setting, "use", "the options of object storage").with_source(error)
}

#[cfg(test)]
mod tests;
