use std::fmt;
use std::str::FromStr;

#[cfg(feature = "s3")]
use object_store::aws::AmazonS3ConfigKey;
#[cfg(feature = "azure")]
use object_store::azure::AzureConfigKey;
use object_store::client::ClientConfigKey;
use reqwest::Url;

use super::SettingError;
use super::tls::is_private;
use crate::Error;

/// What the buckets of one provider are reached by.
#[derive(Clone)]
pub(crate) struct StorageOptions<K> {
    pub(crate) pairs: Vec<(K, String)>,
    /// Whether whoever answers is believed to have the buckets.
    pub(crate) believes_anyone: bool,
}

/// The names of a provider's options.
pub(crate) trait OptionKey: FromStr + Copy {
    /// What they begin with.
    const PREFIX: &str;

    /// What is about connections, if it is.
    fn of_connections(self) -> Option<ClientConfigKey>;

    /// Whether it is said otherwise: by the URI, or not at all.
    fn is_refused(self) -> bool;

    /// Whether it is about where buckets are, and not about who asks.
    fn is_of_place(self) -> bool;

    fn address(self) -> Option<Address>;
}

/// What is sent to an address that is an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// Requests for files, signed or with a token.
    Files,
    /// A secret of its own, in the clear.
    LogIn,
}

impl<K: OptionKey> StorageOptions<K> {
    /// Those of `pairs` that are this provider's.
    ///
    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if there is no option of a name, or its value cannot be used.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, Error> {
        let mut options = Self { pairs: Vec::new(), believes_anyone: false };
        let mut allows_http = false;
        let mut addresses = Vec::new();
        for (name, value) in pairs {
            let lower = name.to_ascii_lowercase();
            if !lower.starts_with(K::PREFIX) {
                continue;
            }
            let refused = |expected| {
                Error::setting(format_args!("`{name}`"), SettingError::Form { expected })
            };
            let unknown = || refused("an option of object storage that there is");
            let key: K = lower.parse().map_err(|_| unknown())?;
            let flag = || match value.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(refused("one of true, 1, false, 0")),
            };
            match key.of_connections() {
                Some(ClientConfigKey::AllowInvalidCertificates) => {
                    options.believes_anyone = flag()?;
                }
                Some(ClientConfigKey::AllowHttp) => allows_http = flag()?,
                None if !key.is_refused() => {
                    addresses.extend(key.address().map(|address| (address, name, value)));
                    options.pairs.push((key, value.clone()));
                }
                _ => return Err(unknown()),
            }
        }
        for (address, name, value) in addresses {
            let name = format_args!("`{name}`");
            let form = |_| Error::setting(name, SettingError::Form { expected: "an address" });
            let url = Url::parse(value).map_err(form)?;
            if !(is_private(&url) || allows_http && address == Address::Files) {
                return Err(Error::setting(name, SettingError::Unencrypted));
            }
        }
        Ok(options)
    }

    /// Those that say where buckets are, whoever asks.
    pub(crate) fn of_place(mut self) -> Self {
        self.pairs.retain(|(key, _)| key.is_of_place());
        // What goes for an address of one's own does not for others.
        self.believes_anyone &= self.pairs.iter().any(|(key, _)| key.address().is_some());
        self
    }
}

#[cfg(feature = "s3")]
impl OptionKey for AmazonS3ConfigKey {
    const PREFIX: &str = "aws_";

    fn of_connections(self) -> Option<ClientConfigKey> {
        match self {
            Self::Client(key) => Some(key),
            _ => None,
        }
    }

    fn is_refused(self) -> bool {
        matches!(self, Self::Bucket)
    }

    fn is_of_place(self) -> bool {
        matches!(
            self,
            Self::Region
                | Self::DefaultRegion
                | Self::Endpoint
                | Self::S3Endpoint
                | Self::VirtualHostedStyleRequest
        )
    }

    fn address(self) -> Option<Address> {
        match self {
            Self::Endpoint | Self::S3Endpoint => Some(Address::Files),
            Self::StsEndpoint => Some(Address::LogIn),
            _ => None,
        }
    }
}

#[cfg(feature = "azure")]
impl OptionKey for AzureConfigKey {
    const PREFIX: &str = "azure_";

    fn of_connections(self) -> Option<ClientConfigKey> {
        match self {
            Self::Client(key) => Some(key),
            _ => None,
        }
    }

    fn is_refused(self) -> bool {
        // Of an emulator the endpoint is enough.
        matches!(self, Self::ContainerName | Self::UseEmulator)
    }

    fn is_of_place(self) -> bool {
        matches!(self, Self::Endpoint)
    }

    fn address(self) -> Option<Address> {
        match self {
            Self::Endpoint => Some(Address::Files),
            Self::AuthorityHost => Some(Address::LogIn),
            _ => None,
        }
    }
}

/// Without the values, which may be secrets.
impl<K> fmt::Debug for StorageOptions<K> {
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

    fn parse<K: OptionKey>(pairs: &[(&str, &str)]) -> Result<StorageOptions<K>, Error> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        StorageOptions::parse(&pairs.collect::<Vec<_>>())
    }

    #[cfg(feature = "s3")]
    #[test]
    fn options_of_s3_are_checked() {
        let parse = parse::<AmazonS3ConfigKey>;
        let options = parse(&[
            ("AWS_REGION", "eu-west-1"),
            ("aws_secret_access_key", "secret"),
            ("aws_allow_invalid_certificates", "True"),
            ("azure_anything", "of another"),
        ])
        .unwrap();
        assert_eq!((options.pairs.len(), options.believes_anyone), (2, true));
        assert!(!format!("{options:?}").contains("secret"));
        for (name, value) in [
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
    fn who_asks_may_be_left_out() {
        let asks = [("aws_access_key_id", "id"), ("aws_allow_invalid_certificates", "true")];
        let of_place = |place: (&'static str, &'static str)| {
            let options = parse::<AmazonS3ConfigKey>(&[asks[0], asks[1], place]).unwrap();
            let options = options.of_place();
            (options.pairs.len(), options.believes_anyone)
        };
        assert_eq!(of_place(("aws_region", "eu-west-1")), (1, false));
        assert_eq!(of_place(("aws_endpoint", "https://minio.example.com")), (1, true));
    }

    #[cfg(feature = "s3")]
    #[test]
    fn addresses_without_encryption_have_to_be_allowed_or_here() {
        let parse = parse::<AmazonS3ConfigKey>;
        let allowed = ("aws_allow_http", "true");
        parse(&[("aws_endpoint", "http://minio.example.com"), allowed]).unwrap();
        parse(&[("aws_endpoint_url_s3", "http://127.0.0.1:9000")]).unwrap();
        // Who logs in sends the secret itself.
        parse(&[("aws_endpoint_url_sts", "http://sts.example.com"), allowed]).unwrap_err();
    }

    #[cfg(feature = "azure")]
    #[test]
    fn options_of_azure_are_checked() {
        let parse = parse::<AzureConfigKey>;
        let account = ("AZURE_STORAGE_ACCOUNT_NAME", "wine");
        assert_eq!(parse(&[account, ("azure_client_id", "1")]).unwrap().pairs.len(), 2);
        for (name, value) in [
            ("azure_use_emulator", "true"),
            ("azure_container_name", "models"),
            ("azure_authority_host", "http://login.example.com"),
        ] {
            assert_eq!(parse(&[(name, value)]).unwrap_err().kind(), ErrorKind::Setting, "{name}");
        }
    }
}
