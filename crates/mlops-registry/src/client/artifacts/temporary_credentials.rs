use std::fmt;
use std::time::{Duration, SystemTime};

#[cfg(feature = "s3")]
use object_store::aws::AwsCredential;
#[cfg(feature = "azure")]
use object_store::azure::AzureCredential;
use serde::Deserialize;

use crate::client::wire;

/// What Unity Catalog lends for the files of a version.
#[derive(Deserialize)]
pub(crate) struct TemporaryCredentials {
    #[cfg(feature = "s3")]
    aws_temp_credentials: Option<Aws>,
    #[cfg(feature = "s3")]
    encryption_details: Option<Encryption>,
    #[cfg(feature = "azure")]
    azure_user_delegation_sas: Option<Azure>,
    /// Milliseconds since 1970.
    #[serde(default, with = "wire::integer::option")]
    expiration_time: Option<i64>,
    #[serde(default)]
    pub(crate) storage_mode: StorageMode,
}

/// Who keeps the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum StorageMode {
    /// Databricks, which signs addresses for them.
    #[serde(rename = "DEFAULT_STORAGE")]
    DefaultStorage,
    /// Whoever has the workspace, in a bucket.
    #[default]
    #[serde(other)]
    CustomerHosted,
}

#[cfg(feature = "s3")]
#[derive(Deserialize)]
struct Aws {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
}

/// How S3 is to be told to encrypt.
#[cfg(feature = "s3")]
#[derive(Deserialize)]
struct Encryption {
    sse_encryption_details: Option<ServerSide>,
}

#[cfg(feature = "s3")]
#[derive(Deserialize)]
struct ServerSide {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    aws_kms_key_arn: String,
}

#[cfg(feature = "azure")]
#[derive(Deserialize)]
struct Azure {
    sas_token: String,
}

impl TemporaryCredentials {
    /// How long they last from now on, if they say so.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        let milliseconds = u64::try_from(self.expiration_time?).ok().filter(|time| *time > 0)?;
        let expires = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))?;
        Some(expires.duration_since(SystemTime::now()).unwrap_or_default())
    }

    #[cfg(feature = "s3")]
    pub(crate) fn aws(&self) -> Option<AwsCredential> {
        let Aws { access_key_id, secret_access_key, session_token } =
            self.aws_temp_credentials.as_ref()?;
        Some(AwsCredential {
            key_id: access_key_id.clone(),
            secret_key: secret_access_key.clone(),
            token: Some(session_token.clone()),
        })
    }

    /// The options of S3 that say how it is to encrypt.
    #[cfg(feature = "s3")]
    pub(crate) fn aws_encryption(&self) -> Vec<(&'static str, &str)> {
        const ALGORITHM: &str = "aws_server_side_encryption";

        let details = self.encryption_details.as_ref();
        let Some(ServerSide { algorithm, aws_kms_key_arn }) =
            details.and_then(|details| details.sse_encryption_details.as_ref())
        else {
            return Vec::new();
        };
        match algorithm.as_str() {
            "AWS_SSE_S3" => vec![(ALGORITHM, "AES256")],
            "AWS_SSE_KMS" => vec![(ALGORITHM, "aws:kms"), ("aws_sse_kms_key_id", aws_kms_key_arn)],
            _ => Vec::new(),
        }
    }

    #[cfg(feature = "azure")]
    pub(crate) fn azure(&self) -> Option<AzureCredential> {
        let Azure { sas_token } = self.azure_user_delegation_sas.as_ref()?;
        // The pairs of a query, in the words of a URL.
        let mut url = reqwest::Url::parse("https://localhost").ok()?;
        url.set_query(Some(sas_token.trim_start_matches('?')));
        Some(AzureCredential::SASToken(url.query_pairs().into_owned().collect()))
    }
}

/// Without the secrets.
impl fmt::Debug for TemporaryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporaryCredentials")
            .field("expiration_time", &self.expiration_time)
            .field("storage_mode", &self.storage_mode)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> TemporaryCredentials {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn they_last_until_their_time() {
        assert_eq!(read("{}").lifetime(), None);
        assert_eq!(read(r#"{"expiration_time": "1000"}"#).lifetime(), Some(Duration::ZERO));
        let lifetime = read(r#"{"expiration_time": 4102444800000}"#).lifetime().unwrap();
        assert!(lifetime > Duration::from_secs(3600));
    }

    #[test]
    fn files_are_in_a_bucket_unless_databricks_keeps_them() {
        for (text, mode) in [
            (r#"{"storage_mode": "DEFAULT_STORAGE"}"#, StorageMode::DefaultStorage),
            (r#"{"storage_mode": "CUSTOMER_HOSTED"}"#, StorageMode::CustomerHosted),
            (r#"{"storage_mode": "STORAGE_MODE_UNSPECIFIED"}"#, StorageMode::CustomerHosted),
            ("{}", StorageMode::CustomerHosted),
        ] {
            assert_eq!(read(text).storage_mode, mode, "{text}");
        }
    }

    #[cfg(feature = "s3")]
    #[test]
    fn s3_is_told_how_to_encrypt() {
        for (details, options) in [
            (r#"{"algorithm": "AWS_SSE_S3"}"#, &[("aws_server_side_encryption", "AES256")][..]),
            (
                r#"{"algorithm": "AWS_SSE_KMS", "aws_kms_key_arn": "arn"}"#,
                &[("aws_server_side_encryption", "aws:kms"), ("aws_sse_kms_key_id", "arn")],
            ),
            ("{}", &[]),
        ] {
            let text =
                format!(r#"{{"encryption_details": {{"sse_encryption_details": {details}}}}}"#);
            assert_eq!(read(&text).aws_encryption(), options, "{details}");
        }
    }

    #[cfg(feature = "azure")]
    #[test]
    fn a_signature_is_read_as_the_pairs_of_a_query() {
        for token in ["?sv=1&sig=a%2Bb%3D", "sv=1&sig=a%2Bb%3D"] {
            let text = format!(r#"{{"azure_user_delegation_sas": {{"sas_token": "{token}"}}}}"#);
            let Some(AzureCredential::SASToken(pairs)) = read(&text).azure() else {
                panic!("{token}")
            };
            let expected = [("sv", "1"), ("sig", "a+b=")];
            assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
    }

    #[test]
    fn they_are_not_shown() {
        let text = r#"{"aws_temp_credentials":
                {"access_key_id": "a", "secret_access_key": "secret", "session_token": "secret"},
            "azure_user_delegation_sas": {"sas_token": "sig=secret"}}"#;
        assert!(!format!("{:?}", read(text)).contains("secret"));
    }
}
