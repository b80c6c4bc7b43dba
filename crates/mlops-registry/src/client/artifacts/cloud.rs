//! Ways to buckets: by which options and connections.

use std::sync::Arc;

use object_store::client::{HttpClient, HttpConnector};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::bucket::Bucket;
use super::objects::Objects;
use super::store::Store;
use crate::client::SettingError;
use crate::client::retries::Retries;
use crate::client::storage_options::StorageOptions;
use crate::client::tls::Tls;
use crate::client::transport::{Timeouts, connections};
use crate::{Error, ErrorKind};

/// What all buckets are reached by.
#[derive(Debug)]
pub(crate) struct Cloud {
    options: StorageOptions,
    http: reqwest::Client,
    retries: Retries,
}

impl Cloud {
    /// # Errors
    /// As [`connections`].
    pub(crate) fn new(
        options: StorageOptions,
        timeouts: Timeouts,
        retries: Retries,
    ) -> Result<Self, Error> {
        // What there is for the server, authorities and a certificate, is for the server alone.
        let tls = Tls { believes_anyone: options.believes_anyone, ..Tls::default() };
        let client = connections(&tls.config()?, timeouts).read_timeout(timeouts.read);
        let http = client.build().map_err(|error| {
            let target = "connections to object storage";
            Error::new(ErrorKind::Io, "prepare", target).with_source(error)
        })?;
        Ok(Self { options, http, retries })
    }

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

    #[cfg(feature = "s3")]
    fn s3(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, Error> {
        use object_store::aws::AmazonS3Builder;

        let mut builder = AmazonS3Builder::new();
        for (key, value) in &self.options.s3 {
            builder = builder.with_config(*key, value);
        }
        let builder = builder
            .with_bucket_name(bucket)
            .with_retry(retries(self.retries))
            .with_http_connector(Connector(self.http.clone()));
        Ok(Arc::new(builder.build().map_err(unusable)?))
    }

    #[cfg(feature = "azure")]
    fn azure(
        &self,
        container: &str,
        account: &str,
        domain: &str,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        use object_store::azure::{AzureConfigKey as Key, MicrosoftAzureBuilder};

        let mut builder = MicrosoftAzureBuilder::new();
        for (key, value) in &self.options.azure {
            builder = builder.with_config(*key, value);
        }
        // A server that names another account must not be shown who asks for this one.
        match builder.get_config_value(&Key::AccountName) {
            Some(own) if own == account => {}
            Some(_) => {
                let target = format_args!("the account `{account}`, not that of the options");
                return Err(Error::new(ErrorKind::Setting, "use", target));
            }
            // It signs and is not sent.
            None if builder.get_config_value(&Key::AccessKey).is_some() => {}
            None => {
                let name = "azure_storage_account_name";
                return Err(Error::setting(format_args!("`{name}`"), SettingError::Missing));
            }
        }
        if builder.get_config_value(&Key::Endpoint).is_none() {
            builder = builder.with_endpoint(format!("https://{account}.blob.{domain}"));
        }
        let builder = builder
            .with_account(account)
            .with_container_name(container)
            .with_retry(retries(self.retries))
            .with_http_connector(Connector(self.http.clone()));
        Ok(Arc::new(builder.build().map_err(unusable)?))
    }
}

/// Hands out the connections that there are.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

fn retries(retries: Retries) -> RetryConfig {
    let Retries { count, first, longest } = retries;
    RetryConfig {
        backoff: BackoffConfig { init_backoff: first, max_backoff: longest, base: 2.0 },
        max_retries: usize::try_from(count).unwrap_or(usize::MAX),
        ..RetryConfig::default()
    }
}

/// The options contradict each other, or one is malformed.
fn unusable(error: object_store::Error) -> Error {
    Error::new(ErrorKind::Setting, "use", "the options of object storage").with_source(error)
}
