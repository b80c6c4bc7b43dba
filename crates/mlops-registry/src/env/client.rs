use std::fs;
use std::path::Path;
use std::time::Duration;

use super::ini::Ini;
use super::values::{Variables, setting};
use super::{REGISTRY_URI, TRACKING_URI, databricks, variable};
use crate::client::{Auth, MlflowClient, MlflowClientBuilder, Retries, SettingError};
use crate::uri::split_scheme;
use crate::{Error, ErrorKind, UriError};

/// A client of the server at `tracking_uri`, else of the one that `MLFLOW_TRACKING_URI` names, with what the
/// environment says about it.
///
/// | variable | |
/// |---|---|
/// | `MLFLOW_TRACKING_URI` | `http://..`, `https://..`, `databricks` or `databricks://PROFILE` |
/// | `MLFLOW_REGISTRY_URI` | the same, or `databricks-uc`, `databricks-uc://PROFILE` for Unity Catalog |
/// | `MLFLOW_TRACKING_USERNAME`, `.._PASSWORD` | name and password; may be in `~/.mlflow/credentials` instead |
/// | `MLFLOW_TRACKING_TOKEN` | a token, if there are not name and password |
/// | `MLFLOW_TRACKING_SERVER_CERT_PATH` | a file of certificate authorities in PEM form |
/// | `MLFLOW_TRACKING_CLIENT_CERT_PATH` | a file of a certificate with its key in PEM form |
/// | `MLFLOW_TRACKING_INSECURE_TLS` | `true`: whoever answers is believed to be the server |
/// | `MLFLOW_WORKSPACE` | the workspace |
/// | `MLFLOW_HTTP_REQUEST_MAX_RETRIES` | [`Retries::count`], 0 to 10 |
/// | `MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR` | [`Retries::first`] in seconds, 0 to 120 |
/// | `MLFLOW_HTTP_REQUEST_TIMEOUT` | how long a server is waited for until it goes on, in seconds |
///
/// Artifacts in object storage, with the features `s3` and `azure`:
///
/// | variable | |
/// |---|---|
/// | `MLFLOW_S3_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` | where S3 is, the first that is set |
/// | `MLFLOW_S3_IGNORE_TLS` | `true`: whoever answers is believed to be S3 |
/// | `AWS_REGION`, `AWS_DEFAULT_REGION` | the region, else that of the profile in `~/.aws/config` |
/// | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | keys, else those of the profile |
/// | `AWS_PROFILE` | the profile in `~/.aws/credentials`; `default` by default |
/// | `AWS_ROLE_ARN`, `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_CONTAINER_..` | the roles of Kubernetes and containers |
/// | `AZURE_STORAGE_CONNECTION_STRING` | account, key or signature, and where; alone |
/// | `AZURE_STORAGE_ACCESS_KEY`, `AZURE_STORAGE_SAS_TOKEN` | a key or signature |
/// | `AZURE_STORAGE_ACCOUNT_NAME` | the account; without a key it has to be named |
/// | `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`, `AZURE_FEDERATED_TOKEN_FILE` | a log-in by Entra |
///
/// Without `MLFLOW_REGISTRY_URI` the registry is where runs are tracked; on Databricks, as for MLflow 3, Unity Catalog.
/// The variables `MLFLOW_TRACKING_..` and `MLFLOW_WORKSPACE` are about `http` and `https` servers, that of the registry
/// too. Where and who on Databricks comes from the profile that the URI names, in the file `DATABRICKS_CONFIG_FILE` or
/// else `~/.databrickscfg`; without one, from the environment, if there is `DATABRICKS_HOST`; else from the profile
/// `DATABRICKS_CONFIG_PROFILE`, or `DEFAULT`. The sources are not mixed. Ways to log in, the first of which is taken
/// unless `DATABRICKS_AUTH_TYPE` or `auth_type` names one:
///
/// | `auth_type` | variables | keys of a profile |
/// |---|---|---|
/// | `pat` | `DATABRICKS_TOKEN` | `token` |
/// | `basic` | `DATABRICKS_USERNAME`, `DATABRICKS_PASSWORD` | `username`, `password` |
/// | `oauth-m2m` | `DATABRICKS_CLIENT_ID`, `DATABRICKS_CLIENT_SECRET` | `client_id`, `client_secret` |
/// | `azure-client-secret` | `ARM_TENANT_ID`, `ARM_CLIENT_ID`, `ARM_CLIENT_SECRET` | `azure_tenant_id` and so on |
///
/// `DATABRICKS_WORKSPACE_ID` and `DATABRICKS_AZURE_RESOURCE_ID`, or `workspace_id` and `azure_workspace_resource_id`,
/// are sent along.
///
/// What is about Databricks and Entra was tested against servers that play them, not against a live workspace.
///
/// # Errors
/// * [`Setting`](ErrorKind::Setting) if something is missing or malformed
/// * [`Unsupported`](ErrorKind::Unsupported) for other tracking URIs and other ways to log in
/// * [`Io`](ErrorKind::Io) or [`NotFound`](ErrorKind::NotFound) if a file cannot be read
pub fn client_builder(tracking_uri: Option<&str>) -> Result<MlflowClientBuilder, Error> {
    builder(tracking_uri, Variables::new(&variable))
}

/// Where a URI says that a server is.
#[derive(Debug, PartialEq)]
enum Place {
    Server(String),
    Databricks { profile: Option<String>, has_unity_catalog: bool },
}

fn builder(
    tracking_uri: Option<&str>,
    variables: Variables<'_>,
) -> Result<MlflowClientBuilder, Error> {
    let tracking_uri = tracking_uri.map(str::to_owned).or_else(|| variables.text(TRACKING_URI));
    let tracking_uri = tracking_uri.ok_or_else(|| setting(TRACKING_URI, SettingError::Missing))?;
    let tracking = Place::of(&tracking_uri, TRACKING_URI)?;
    if let Place::Databricks { has_unity_catalog: true, .. } = tracking {
        // Runs are tracked in the workspace.
        return Err(unsupported(TRACKING_URI, &tracking_uri));
    }
    let registry = match (variables.text(REGISTRY_URI), &tracking) {
        (Some(uri), _) => Place::of(&uri, REGISTRY_URI)?,
        // As MLflow 3 does.
        (None, Place::Databricks { profile, .. }) => {
            Place::Databricks { profile: profile.clone(), has_unity_catalog: true }
        }
        (None, Place::Server(uri)) => Place::Server(uri.clone()),
    };
    let builder = tracking.builder(variables)?;
    Ok(match (&tracking, &registry) {
        (
            Place::Databricks { profile, .. },
            Place::Databricks { profile: same, has_unity_catalog },
        ) if profile == same => {
            if *has_unity_catalog {
                builder.unity_catalog()
            } else {
                builder
            }
        }
        _ if tracking == registry => builder,
        _ => builder.registry(registry.builder(variables)?),
    })
}

impl Place {
    /// `variable` is named in errors, in place of the URI, which may hold a password.
    fn of(uri: &str, variable: &str) -> Result<Self, Error> {
        let (scheme, rest) = match split_scheme(uri) {
            Some((scheme, rest)) => (scheme.to_lowercase(), rest),
            None => (uri.to_lowercase(), ""),
        };
        let has_unity_catalog = match scheme.as_str() {
            "http" | "https" => return Ok(Self::Server(uri.to_owned())),
            "databricks" => false,
            "databricks-uc" => true,
            _ if rest.is_empty() => {
                let form = SettingError::Form { expected: "the address of a server" };
                return Err(setting(variable, form));
            }
            _ => return Err(unsupported(variable, uri)),
        };
        let profile = rest.strip_prefix("//").unwrap_or(rest).split('/').next().unwrap_or_default();
        if profile.contains(':') {
            // The scope and the prefix of secrets that are to be had on Databricks only.
            return Err(unsupported(variable, uri));
        }
        let profile = Some(profile.to_owned()).filter(|profile| !profile.is_empty());
        Ok(Self::Databricks { profile, has_unity_catalog })
    }

    fn builder(&self, variables: Variables<'_>) -> Result<MlflowClientBuilder, Error> {
        let builder = match self {
            Self::Server(uri) => server(uri, variables)?,
            Self::Databricks { profile, has_unity_catalog } => {
                let builder = databricks::builder(profile.as_deref(), variables)?;
                if *has_unity_catalog { builder.unity_catalog() } else { builder }
            }
        };
        #[cfg(any(feature = "s3", feature = "azure"))]
        let builder = builder.storage_options(super::storage::options(variables)?);
        patience(builder, variables)
    }
}

fn unsupported(variable: &str, uri: &str) -> Error {
    let scheme = uri.split(':').next().unwrap_or_default().to_owned();
    Error::uri("use the server of", variable, UriError::Scheme { scheme })
}

fn server(uri: &str, variables: Variables<'_>) -> Result<MlflowClientBuilder, Error> {
    for other in ["MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_AUTH"] {
        // Whoever wants these would be turned away without them.
        let is_wanted = variables
            .text(other)
            .is_some_and(|value| !matches!(value.to_lowercase().as_str(), "false" | "0"));
        if is_wanted {
            return Err(Error::new(ErrorKind::Unsupported, "log in by", format_args!("`{other}`")));
        }
    }
    let mut builder = MlflowClient::builder(uri);
    if let Some(auth) = auth(variables)? {
        builder = builder.auth(auth);
    }
    if let Some(path) = variables.text("MLFLOW_TRACKING_SERVER_CERT_PATH") {
        builder = builder.certificate_authorities(read(&path)?);
    }
    if let Some(path) = variables.text("MLFLOW_TRACKING_CLIENT_CERT_PATH") {
        builder = builder.client_certificate(read(&path)?);
    }
    if variables.flag("MLFLOW_TRACKING_INSECURE_TLS")? {
        builder = builder.danger_accept_invalid_certificates();
    }
    if let Some(workspace) = variables.text("MLFLOW_WORKSPACE") {
        builder = builder.workspace(&workspace);
    }
    Ok(builder)
}

/// Each of name and password from the environment, else from the file; a token if one of them is missing.
fn auth(variables: Variables<'_>) -> Result<Option<Auth>, Error> {
    const KEYS: [&str; 2] = ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"];
    let mut values = KEYS.map(|key| variables.text(key));
    if values.iter().any(Option::is_none)
        && let Ok(path) = variables.home(".mlflow/credentials")
    {
        let file = Ini::read(&path)?;
        for (value, key) in values.iter_mut().zip(KEYS) {
            let section = file.section("mlflow");
            let stored = section.and_then(|section| section.get(&key.to_lowercase())).cloned();
            *value = value.take().or_else(|| stored.filter(|stored| !stored.is_empty()));
        }
    }
    Ok(match values {
        [Some(username), Some(password)] => Some(Auth::Basic { username, password }),
        _ => variables.text("MLFLOW_TRACKING_TOKEN").map(Auth::Token),
    })
}

fn patience(
    mut builder: MlflowClientBuilder,
    variables: Variables<'_>,
) -> Result<MlflowClientBuilder, Error> {
    let mut retries = Retries::default();
    let expected = "a whole number from 0 to 10";
    let count = variables.number("MLFLOW_HTTP_REQUEST_MAX_RETRIES", expected, |n| *n <= 10)?;
    retries.count = count.unwrap_or(retries.count);
    let expected = "a number of seconds from 0 to 120";
    let name = "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR";
    if let Some(seconds) = variables.number(name, expected, |n| (0.0..=120.0).contains(n))? {
        retries.first = Duration::from_secs_f64(seconds);
        retries.longest = retries.longest.max(retries.first);
    }
    let expected = "a whole number of seconds, at least 1";
    if let Some(time) = variables.number("MLFLOW_HTTP_REQUEST_TIMEOUT", expected, |n| *n >= 1)? {
        builder = builder.read_timeout(Duration::from_secs(time));
    }
    Ok(builder.retries(retries))
}

fn read(path: &str) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::io("read", Path::new(path), error))
}

#[cfg(test)]
mod tests;
