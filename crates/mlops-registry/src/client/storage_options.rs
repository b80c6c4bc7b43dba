use std::fmt;

#[cfg(feature = "s3")]
use object_store::aws::AmazonS3ConfigKey;
#[cfg(feature = "azure")]
use object_store::azure::AzureConfigKey;
use object_store::client::ClientConfigKey;
use reqwest::Url;

use super::SettingError;
use super::tls::is_private;
use crate::Error;

/// What buckets are reached by.
#[derive(Clone, Default)]
pub(crate) struct StorageOptions {
    #[cfg(feature = "s3")]
    pub(crate) s3: Vec<(AmazonS3ConfigKey, String)>,
    #[cfg(feature = "azure")]
    pub(crate) azure: Vec<(AzureConfigKey, String)>,
    /// Whether whoever answers is believed to have the buckets.
    pub(crate) believes_anyone: bool,
}

/// One option.
enum Key {
    #[cfg(feature = "s3")]
    S3(AmazonS3ConfigKey),
    #[cfg(feature = "azure")]
    Azure(AzureConfigKey),
    BelievesAnyone,
    AllowsHttp,
}

impl StorageOptions {
    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if there is no option of a name, or its value cannot be used.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut allows_http = false;
        let mut addresses = Vec::new();
        for (name, value) in pairs {
            let refused = |expected| {
                Error::setting(format_args!("`{name}`"), SettingError::Form { expected })
            };
            let key = Key::of(&name.to_ascii_lowercase())
                .ok_or_else(|| refused("an option of object storage that there is"))?;
            if key.is_address() {
                addresses.push((name, value));
            }
            let flag = || match value.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(refused("one of true, 1, false, 0")),
            };
            match key {
                #[cfg(feature = "s3")]
                Key::S3(key) => options.s3.push((key, value.clone())),
                #[cfg(feature = "azure")]
                Key::Azure(key) => options.azure.push((key, value.clone())),
                Key::BelievesAnyone => options.believes_anyone = flag()?,
                Key::AllowsHttp => allows_http = flag()?,
            }
        }
        for (name, value) in addresses {
            let name = format_args!("`{name}`");
            let form = |_| Error::setting(name, SettingError::Form { expected: "an address" });
            let address = Url::parse(value).map_err(form)?;
            if !allows_http && !is_private(&address) {
                return Err(Error::setting(name, SettingError::Unencrypted));
            }
        }
        Ok(options)
    }
}

impl Key {
    fn of(name: &str) -> Option<Self> {
        #[cfg(feature = "s3")]
        if name.starts_with("aws_") {
            return match name.parse().ok()? {
                AmazonS3ConfigKey::Client(key) => Self::of_connections(key),
                // The URI says which.
                AmazonS3ConfigKey::Bucket => None,
                key => Some(Self::S3(key)),
            };
        }
        #[cfg(feature = "azure")]
        if name.starts_with("azure_") {
            return match name.parse().ok()? {
                AzureConfigKey::Client(key) => Self::of_connections(key),
                // The URI says which; of an emulator the endpoint is enough.
                AzureConfigKey::ContainerName | AzureConfigKey::UseEmulator => None,
                key => Some(Self::Azure(key)),
            };
        }
        None
    }

    fn of_connections(key: ClientConfigKey) -> Option<Self> {
        match key {
            ClientConfigKey::AllowInvalidCertificates => Some(Self::BelievesAnyone),
            ClientConfigKey::AllowHttp => Some(Self::AllowsHttp),
            _ => None,
        }
    }

    /// Whether secrets are sent to the value.
    fn is_address(&self) -> bool {
        match self {
            #[cfg(feature = "s3")]
            Self::S3(key) => matches!(
                key,
                AmazonS3ConfigKey::Endpoint
                    | AmazonS3ConfigKey::S3Endpoint
                    | AmazonS3ConfigKey::StsEndpoint
            ),
            #[cfg(feature = "azure")]
            Self::Azure(key) => {
                matches!(key, AzureConfigKey::Endpoint | AzureConfigKey::AuthorityHost)
            }
            Self::BelievesAnyone | Self::AllowsHttp => false,
        }
    }
}

/// Without the values, which may be secrets.
impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageOptions")
            .field("believes_anyone", &self.believes_anyone)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn parse(pairs: &[(&str, &str)]) -> Result<StorageOptions, Error> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        StorageOptions::parse(&pairs.collect::<Vec<_>>())
    }

    #[cfg(feature = "s3")]
    #[test]
    fn options_are_those_of_s3() {
        let options = parse(&[
            ("AWS_REGION", "eu-west-1"),
            ("aws_secret_access_key", "secret"),
            ("aws_allow_invalid_certificates", "True"),
        ])
        .unwrap();
        assert_eq!(options.s3.len(), 2);
        assert!(options.believes_anyone);
        assert!(!format!("{options:?}").contains("secret"));
    }

    #[cfg(feature = "s3")]
    #[test]
    fn what_there_is_not_or_would_not_be_done_is_refused() {
        for (name, value) in [
            ("region", "eu-west-1"),
            ("aws_regoin", "eu-west-1"),
            ("aws_bucket", "b"),
            ("aws_proxy_url", "http://localhost"),
            ("aws_allow_http", "maybe"),
            ("aws_endpoint", "minio"),
            ("aws_endpoint", "http://minio.example.com"),
        ] {
            let error = parse(&[(name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Setting, "{name}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[cfg(feature = "s3")]
    #[test]
    fn addresses_without_encryption_have_to_be_allowed_or_here() {
        parse(&[("aws_endpoint", "http://minio.example.com"), ("aws_allow_http", "true")]).unwrap();
        parse(&[("aws_endpoint_url_s3", "http://127.0.0.1:9000")]).unwrap();
    }

    #[cfg(feature = "azure")]
    #[test]
    fn options_are_those_of_azure() {
        let account = ("AZURE_STORAGE_ACCOUNT_NAME", "wine");
        assert_eq!(parse(&[account, ("azure_client_id", "1")]).unwrap().azure.len(), 2);
        for (name, value) in [
            ("azure_use_emulator", "true"),
            ("azure_container_name", "models"),
            ("azure_authority_host", "http://login.example.com"),
        ] {
            assert_eq!(parse(&[(name, value)]).unwrap_err().kind(), ErrorKind::Setting, "{name}");
        }
    }
}
