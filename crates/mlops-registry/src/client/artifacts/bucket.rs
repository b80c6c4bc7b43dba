use std::fmt;

use crate::{ArtifactPath, UriError};
#[cfg(not(all(feature = "s3", feature = "azure")))]
use crate::{Error, ErrorKind};

/// A place in object storage, in the words of its URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// `s3://BUCKET/PATH`
    S3 { bucket: String, path: String },
    /// `wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PATH`, or `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`
    Azure {
        container: String,
        account: String,
        /// Of which cloud, such as `core.windows.net`.
        domain: &'static str,
        path: String,
    },
}

/// The clouds of Azure: what follows a name such as `account.blob.`.
const AZURE_DOMAINS: [&str; 3] =
    [Bucket::AZURE_DOMAIN, "core.chinacloudapi.cn", "core.usgovcloudapi.net"];

impl Bucket {
    /// The public cloud of Azure.
    pub(crate) const AZURE_DOMAIN: &str = "core.windows.net";

    /// What a URI of this scheme names; `None` for schemes of other places.
    ///
    /// # Errors
    /// If it is none: names are checked, as they become parts of addresses.
    pub(crate) fn parse(scheme: &str, rest: &str) -> Result<Option<Self>, UriError> {
        let is_azure = match scheme.to_ascii_lowercase().as_str() {
            "s3" => false,
            "wasb" | "wasbs" | "abfs" | "abfss" => true,
            _ => return Ok(None),
        };
        let malformed = || UriError::Bucket { scheme: scheme.to_owned() };
        let rest = rest.strip_prefix("//").ok_or_else(malformed)?;
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_matches('/');
        if !path.is_empty() {
            path.parse::<ArtifactPath>()?;
        }
        let path = path.to_owned();
        if !is_azure {
            let bucket = Some(place).filter(|place| is_name(place)).ok_or_else(malformed)?;
            return Ok(Some(Self::S3 { bucket: bucket.to_owned(), path }));
        }
        let (container, host) = place.split_once('@').ok_or_else(malformed)?;
        let (account, domain) = azure_account(host).ok_or_else(malformed)?;
        if !is_name(container) {
            return Err(malformed());
        }
        let container = container.to_owned();
        Ok(Some(Self::Azure { container, account: account.to_owned(), domain, path }))
    }

    /// That the crate was compiled without what leads there.
    #[cfg(not(all(feature = "s3", feature = "azure")))]
    pub(crate) fn without_feature(&self) -> Error {
        let feature = match self {
            Self::S3 { .. } => "s3",
            Self::Azure { .. } => "azure",
        };
        let target = format_args!("`{self}` without the feature `{feature}` of mlops-registry");
        Error::new(ErrorKind::Unsupported, "open", target)
    }

    /// The place below the bucket or container; empty for all of it.
    #[cfg(any(feature = "s3", feature = "azure"))]
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::S3 { path, .. } | Self::Azure { path, .. } => path,
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, path } => write!(f, "s3://{bucket}/{path}"),
            Self::Azure { container, account, domain, path } => {
                write!(f, "wasbs://{container}@{account}.blob.{domain}/{path}")
            }
        }
    }
}

/// Account and cloud of a host such as `account.blob.core.windows.net`.
fn azure_account(host: &str) -> Option<(&str, &'static str)> {
    let (account, rest) = host.split_once('.')?;
    let domain = rest.strip_prefix("blob.").or_else(|| rest.strip_prefix("dfs."))?;
    let domain = AZURE_DOMAINS.into_iter().find(|known| *known == domain)?;
    is_name(account).then_some((account, domain))
}

/// Whether a text is nothing but a name where it becomes a part of an address.
fn is_name(text: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'$');
    text.bytes().all(is_plain) && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(uri: &str) -> Result<Option<Bucket>, UriError> {
        let (scheme, rest) = uri.split_once(':').unwrap();
        Bucket::parse(scheme, rest)
    }

    #[test]
    fn uris_name_buckets_and_containers() {
        let azure = |domain, path: &str| Bucket::Azure {
            container: "models".to_owned(),
            account: "wine".to_owned(),
            domain,
            path: path.to_owned(),
        };
        let s3 = |bucket: &str, path: &str| Bucket::S3 {
            bucket: bucket.to_owned(),
            path: path.to_owned(),
        };
        for (uri, expected) in [
            ("s3://wine.models/1/a b/", s3("wine.models", "1/a b")),
            ("S3://b", s3("b", "")),
            ("wasbs://models@wine.blob.core.windows.net/1", azure("core.windows.net", "1")),
            ("abfss://models@wine.dfs.core.windows.net/", azure("core.windows.net", "")),
            (
                "wasb://models@wine.blob.core.chinacloudapi.cn/1/2",
                azure("core.chinacloudapi.cn", "1/2"),
            ),
        ] {
            assert_eq!(parse(uri).unwrap(), Some(expected), "{uri}");
        }
        assert_eq!(parse("gs://b/1"), Ok(None));
    }

    #[test]
    fn hosts_of_others_and_what_is_no_name_are_refused() {
        for uri in [
            "s3:/b/1",
            "s3:///1",
            "s3://user:secret@b/1",
            "s3://b:9000/1",
            "s3://../1",
            "s3://b/../other",
            "wasbs://wine.blob.core.windows.net/1",
            "wasbs://models@wine.blob.example.com/1",
            "wasbs://models@evil.example.com#.blob.core.windows.net/1",
            "wasbs://models@wine.queue.core.windows.net/1",
            "abfss://@wine.dfs.core.windows.net/1",
            "abfss://a?b@wine.dfs.core.windows.net/1",
        ] {
            parse(uri).unwrap_err();
        }
    }

    #[test]
    fn a_place_is_shown_as_its_uri() {
        for uri in ["s3://b/1", "wasbs://models@wine.blob.core.windows.net/1"] {
            assert_eq!(parse(uri).unwrap().unwrap().to_string(), uri);
        }
    }
}
