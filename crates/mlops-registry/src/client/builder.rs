use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

#[cfg(any(feature = "s3", feature = "azure"))]
use super::artifacts::Cloud;
use super::auth::{Auth, Session};
use super::retries::Retries;
use super::tls::Tls;
use super::transport::{Timeouts, Transport};
use super::{MlflowClient, SettingError};
use crate::{Error, ErrorKind, file_uri};

/// Collects what a [`MlflowClient`] is made of.
#[derive(Clone)]
#[cfg_attr(test, derive(PartialEq))]
#[must_use]
pub struct MlflowClientBuilder {
    tracking_uri: String,
    auth: Option<Auth>,
    retries: Retries,
    timeouts: Timeouts,
    tls: Tls,
    headers: Vec<(&'static str, String)>,
    registry: Option<Box<Self>>,
    has_unity_catalog: bool,
    local_artifacts: bool,
    #[cfg(any(feature = "s3", feature = "azure"))]
    storage_options: Vec<(String, String)>,
}

const HOST: &str = "host";
const WORKSPACE: &str = "x-mlflow-workspace";
const DATABRICKS_WORKSPACE: &str = "x-databricks-org-id";

impl MlflowClientBuilder {
    pub(super) fn new(tracking_uri: &str) -> Self {
        Self {
            tracking_uri: tracking_uri.to_owned(),
            auth: None,
            retries: Retries::default(),
            timeouts: Timeouts { connect: Duration::from_secs(10), read: Duration::from_secs(120) },
            tls: Tls::default(),
            headers: Vec::new(),
            registry: None,
            has_unity_catalog: false,
            local_artifacts: false,
            #[cfg(any(feature = "s3", feature = "azure"))]
            storage_options: Vec::new(),
        }
    }

    /// How the client says who it is.
    pub fn auth(self, auth: Auth) -> Self {
        Self { auth: Some(auth), ..self }
    }

    /// When requests are sent again.
    pub fn retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// How long a server is waited for until it goes on; 120 s by default.
    pub fn read_timeout(self, time: Duration) -> Self {
        Self { timeouts: Timeouts { read: time, ..self.timeouts }, ..self }
    }

    /// Believes a server that one of these authorities vouches for, certificates in PEM form, and no longer those that
    /// this machine believes.
    pub fn certificate_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.authorities = Some(pem.into());
        self
    }

    /// Shows the server a certificate: a chain of certificates, the client's own first, and its key, all in PEM form.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.identity = Some(pem.into());
        self
    }

    /// Believes whoever answers to be the server.
    ///
    /// Everybody between here and there can read and change what is sent, passwords and tokens too.
    pub fn danger_accept_invalid_certificates(mut self) -> Self {
        self.tls.believes_anyone = true;
        self
    }

    /// Calls the server by another name, with its port if that is not the usual one, than the tracking URI does: MLflow
    /// 3.5 and newer answer to the names only that they know.
    pub fn host_header(self, host: &str) -> Self {
        self.header(HOST, host)
    }

    /// The workspace that all calls are about. MLflow has workspaces since 3.10, and servers that have not turned them
    /// on refuse a call that names one.
    pub fn workspace(self, name: &str) -> Self {
        self.header(WORKSPACE, name)
    }

    /// The identifier of the Databricks workspace, for addresses that several share.
    pub fn databricks_workspace(self, id: &str) -> Self {
        self.header(DATABRICKS_WORKSPACE, id)
    }

    /// Another server has the registry: registered models and their versions. What it is to be told and how, also who
    /// asks, is up to its own builder.
    pub fn registry(self, registry: Self) -> Self {
        Self { registry: Some(Box::new(registry)), ..self }
    }

    /// The registry of the server is Unity Catalog of Databricks. Models are called `catalog.schema.model` and have
    /// aliases and files of their own; calls about stages are [`Unsupported`](ErrorKind::Unsupported).
    pub fn unity_catalog(self) -> Self {
        Self { has_unity_catalog: true, ..self }
    }

    /// Whether artifacts that the server keeps in a directory of its own machine are looked for, and written, in the
    /// directory of that name on this one; not by default, as the two are seldom the same.
    pub fn local_artifacts(self, are_shared: bool) -> Self {
        Self { local_artifacts: are_shared, ..self }
    }

    /// What artifacts in object storage are reached by, with the features `s3` and `azure`: options by the names that the
    /// crate `object_store` and the environment have for them, those of S3 beginning with `aws_` and those of Azure with
    /// `azure_`, in either case. They are checked when a bucket is opened. Certificates have to be those that this machine
    /// believes, unless the option `aws_allow_invalid_certificates` or `azure_allow_invalid_certificates` says otherwise;
    /// those of this builder are for the server. What has no TLS and is elsewhere needs `aws_allow_http` or
    /// `azure_allow_http`.
    ///
    /// Without any, S3 is asked with the credentials of the machine or container, if Amazon runs it. A location on Azure
    /// needs `azure_storage_access_key`, or `azure_storage_account_name` and one of the ways to log in: the server that
    /// names the location may name the account of somebody else, who must not get a token of yours. In another cloud than
    /// the public one `azure_storage_endpoint` has to say so. A wait that S3 or Azure ask for is not obeyed; the others of
    /// [`retries`](Self::retries) are.
    ///
    /// # Examples
    /// ```no_run
    /// use mlops_registry::client::MlflowClient;
    ///
    /// let client = MlflowClient::builder("https://mlflow.example.com")
    ///     .storage_options([("aws_region", "eu-west-1"), ("aws_endpoint", "https://minio.example.com")])
    ///     .build()?;
    /// # Ok::<(), mlops_registry::Error>(())
    /// ```
    #[cfg(any(feature = "s3", feature = "azure"))]
    pub fn storage_options<N: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let pairs = options.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.storage_options.extend(pairs);
        self
    }

    /// The client; nothing is sent yet.
    ///
    /// # Errors
    /// * [`InvalidUri`](ErrorKind::InvalidUri) if the tracking URI is none
    /// * [`Unsupported`](ErrorKind::Unsupported) if it is not `http` or `https`
    /// * [`Setting`](ErrorKind::Setting) if certificates, headers or secrets cannot be used, or exclude each other
    /// * [`Io`](ErrorKind::Io) if the certificates of this machine cannot be used
    pub fn build(self) -> Result<MlflowClient, Error> {
        let local_artifacts = self.local_artifacts;
        #[cfg(any(feature = "s3", feature = "azure"))]
        let cloud = Arc::new(Cloud {
            options: self.storage_options.clone(),
            timeouts: self.timeouts,
            retries: self.retries,
        });
        let (transport, server_info) = (Arc::new(self.transport()?), Arc::default());
        Ok(MlflowClient {
            transport,
            server_info,
            local_artifacts,
            #[cfg(any(feature = "s3", feature = "azure"))]
            cloud,
        })
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn transport(self) -> Result<Transport, Error> {
        let (base, named) = split_user(&self.tracking_uri)?;
        let auth = self.auth.or(named).unwrap_or_default();
        let registry = self.registry.map(|registry| registry.transport()).transpose()?;
        let session = Session::new(auth, &base)?;
        Ok(Transport {
            headers: headers(self.headers)?,
            retries: self.retries,
            registry: registry.map(Box::new),
            has_unity_catalog: self.has_unity_catalog,
            ..Transport::new(base, session, &self.tls, self.timeouts)?
        })
    }
}

/// Without addresses, which may hold passwords, and without certificates, which may hold a key.
impl fmt::Debug for MlflowClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { auth, retries, timeouts, headers, registry, has_unity_catalog, .. } = self;
        f.debug_struct("MlflowClientBuilder")
            .field("auth", auth)
            .field("retries", retries)
            .field("timeouts", timeouts)
            .field("headers", headers)
            .field("registry", registry)
            .field("has_unity_catalog", has_unity_catalog)
            .finish_non_exhaustive()
    }
}

/// The address of a server, and who its user is, if it says so.
fn split_user(tracking_uri: &str) -> Result<(Url, Option<Auth>), Error> {
    // It may hold a password, so errors do not repeat it.
    let refused = |kind| Error::new(kind, "use", "the tracking URI");
    let url = Url::parse(tracking_uri);
    let mut url = url.map_err(|error| refused(ErrorKind::InvalidUri).with_source(error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(ErrorKind::Unsupported));
    }
    let decoded = |text: &str| {
        let bytes = file_uri::percent_decode(text.as_bytes());
        let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.unwrap_or_else(|| text.to_owned())
    };
    let username = decoded(url.username());
    let password = decoded(url.password().unwrap_or_default());
    let named = (!username.is_empty()).then_some(Auth::Basic { username, password });
    url.set_username("")
        .and_then(|()| url.set_password(None))
        .map_err(|()| refused(ErrorKind::InvalidUri))?;
    url.set_query(None);
    url.set_fragment(None);
    Ok((url, named))
}

fn headers(pairs: Vec<(&'static str, String)>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let form = |_| {
            let form = SettingError::Form { expected: "one line of visible characters" };
            Error::setting(format_args!("the header `{name}`"), form)
        };
        let value = HeaderValue::from_str(&value).map_err(form)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
