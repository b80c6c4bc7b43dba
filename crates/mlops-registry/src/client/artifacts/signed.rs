//! Artifacts that Databricks keeps, by addresses that it signs for a while. They lead to the storage of its cloud, which is
//! not told who asks.

use std::path::Path;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;

use super::fetch::{fetch, has_status};
use super::listing::Listing;
use super::send::{SentFile, send};
use super::store::{Answer, Content, LIST, READ, Sent, Span, Store, WRITE};
use super::{Artifact, join};
use crate::client::SettingError;
use crate::client::auth::{Auth, Session};
use crate::client::call::{CATALOG_FILES, Call};
use crate::client::tls::{Tls, is_private};
use crate::client::transport::Transport;
use crate::file_uri::percent_encode;
use crate::{Error, ErrorKind};

/// Artifacts of one owner.
#[derive(Debug)]
pub(crate) struct Signed {
    transport: Arc<Transport>,
    /// The clouds' storage, which is shown and believed nothing that is for the server.
    storage: Transport,
    owner: Owner,
    /// Below what belongs to the owner.
    root: String,
}

/// Whose artifacts they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Run(String),
    LoggedModel(String),
    /// Of the workspace's registry; they can be read only.
    Version {
        name: String,
        version: u64,
    },
    /// The file system of Unity Catalog, which keeps the files of versions itself.
    Filesystem,
}

impl Owner {
    fn list(&self, folder: &str, page: &str) -> Call {
        let call = match self {
            Self::Run(id) => {
                Call::get(LIST, "artifacts/list").query("run_id", id).query("path", folder)
            }
            Self::LoggedModel(id) => {
                let path = format!("logged-models/{id}/artifacts/directories");
                Call::get(LIST, path).query("artifact_directory_path", folder)
            }
            Self::Version { name, version } => Call::get(LIST, "model-versions/list-artifacts")
                .query("name", name)
                .query("version", version)
                .query("path", folder),
            Self::Filesystem => {
                let folder = percent_encode(folder.as_bytes(), b"_.-~/");
                Call::get(LIST, format!("{CATALOG_FILES}directories/{folder}"))
            }
        };
        let call = if page.is_empty() { call } else { call.page(page) };
        call.target(folder)
    }

    fn sign_read(&self, path: &str) -> Call {
        let call = match self {
            Self::Run(id) => {
                let body = json!({"run_id": id, "path": [path]});
                Call::post(READ, "artifacts/credentials-for-read", body).idempotent()
            }
            Self::LoggedModel(id) => {
                let at = format!("logged-models/{id}/artifacts/credentials-for-download");
                Call::post(READ, at, json!({"paths": [path]})).idempotent()
            }
            Self::Version { name, version } => {
                Call::get(READ, "model-versions/get-signed-download-uri")
                    .query("name", name)
                    .query("version", version)
                    .query("path", path)
            }
            Self::Filesystem => filesystem_call(READ, "create-download-url", path).idempotent(),
        };
        call.target(path)
    }

    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for the files of a version.
    fn sign_write(&self, path: &str) -> Result<Call, Error> {
        let call = match self {
            Self::Run(id) => {
                let body = json!({"run_id": id, "path": [path]});
                Call::post(WRITE, "artifacts/credentials-for-write", body)
            }
            Self::LoggedModel(id) => {
                let at = format!("logged-models/{id}/artifacts/credentials-for-upload");
                Call::post(WRITE, at, json!({"paths": [path]}))
            }
            Self::Version { name, version } => {
                let target = format_args!("`{path}` of version {version} of `{name}`");
                return Err(Error::new(ErrorKind::Unsupported, WRITE, target));
            }
            Self::Filesystem => filesystem_call(WRITE, "create-upload-url", path),
        };
        Ok(call.idempotent().target(path))
    }
}

fn filesystem_call(operation: &'static str, route: &str, path: &str) -> Call {
    Call::post(operation, format!("{CATALOG_FILES}{route}"), json!({"path": format!("/{path}")}))
}

impl Signed {
    /// # Errors
    /// As [`Transport::new`].
    pub(crate) fn new(
        transport: Arc<Transport>,
        owner: Owner,
        root: String,
    ) -> Result<Self, Error> {
        let nobody = Session::new(Auth::None, &transport.base)?;
        let storage =
            Transport::new(transport.base.clone(), nobody, &Tls::default(), transport.timeouts)?;
        let storage = Transport { retries: transport.retries, ..storage };
        Ok(Self { transport, storage, owner, root })
    }

    /// A path from the root of the owner, from the location.
    fn below_root(&self, path: &str) -> String {
        if self.root.is_empty() {
            return path.to_owned();
        }
        let below = path.strip_prefix(&self.root).and_then(|rest| rest.strip_prefix('/'));
        below.unwrap_or(path).to_owned()
    }

    async fn sign(&self, call: Call) -> Result<Address, Error> {
        let (operation, target) = (call.operation, call.target.clone());
        let malformed = || Error::new(ErrorKind::Malformed, operation, &target);
        let signed: Answered = self.transport.send(call).await?;
        let signed = signed.address().ok_or_else(malformed)?;
        let url = Url::parse(&signed.address).map_err(|_| malformed())?;
        if !is_private(&url) {
            return Err(malformed().with_source(SettingError::Unencrypted));
        }
        let mut headers = HeaderMap::new();
        for Header { name, value } in signed.headers {
            let name = HeaderName::try_from(name).map_err(|_| malformed())?;
            let value = HeaderValue::try_from(value).map_err(|_| malformed())?;
            headers.insert(name, value);
        }
        Ok(Address { url, headers, kind: signed.kind })
    }
}

impl Store for Signed {
    fn list<'a>(&'a self, folder: &'a str) -> Answer<'a, Vec<Artifact>> {
        Box::pin(async move {
            let at = join(&self.root, folder);
            let mut artifacts = Vec::new();
            let mut page = String::new();
            loop {
                let is_missing_folder =
                    |page: &str| page.is_empty() && self.owner == Owner::Filesystem;
                let listing = self.transport.send(self.owner.list(&at, &page)).await;
                let listing: Listing = match listing {
                    // The others answer with an empty list.
                    Err(error) if error.is_not_found() && is_missing_folder(&page) => break,
                    listing => listing?,
                };
                let next = listing.next.clone();
                artifacts.extend(listing.artifacts(|path| self.below_root(path.trim_matches('/'))));
                if next.is_empty() || next == page {
                    break;
                }
                page = next;
            }
            // A file is listed as the only one in itself.
            artifacts.retain(|artifact| artifact.path != folder);
            Ok(artifacts)
        })
    }

    fn read<'a>(&'a self, path: &'a str, span: Option<&'a Span>) -> Answer<'a, Content> {
        Box::pin(async move {
            let Address { url, headers, .. } =
                self.sign(self.owner.sign_read(&join(&self.root, path))).await?;
            let call = Call::get(READ, "").target(path);
            match fetch(&self.storage, call, url, headers, span).await {
                // Not a route that is missing, as of MLflow's servers.
                Err(error) if has_status(&error, StatusCode::NOT_FOUND) => {
                    let target = format_args!("`{path}`");
                    Err(Error::new(ErrorKind::NotFound, READ, target).with_source(error))
                }
                content => content,
            }
        })
    }

    fn write<'a>(&'a self, path: &'a str, source: &'a Path, sent: Sent) -> Answer<'a, ()> {
        Box::pin(async move {
            let file = SentFile::new(source, &sent).await?;
            let size = file.size;
            let address = self.sign(self.owner.sign_write(&join(&self.root, path))?).await?;
            let Address { url, mut headers, kind } = address;
            let call = |method| Call::new(WRITE, method, "").target(path).idempotent();
            match kind {
                Kind::Object => {}
                Kind::AzureBlob => {
                    headers.insert("x-ms-blob-type", HeaderValue::from_static("BlockBlob"));
                }
                Kind::AzureLake => {
                    let create = with_query(&url, &[("resource", "file")]);
                    send(&self.storage, &call(Method::PUT), &create, &headers, None).await?;
                    let append = with_query(&url, &[("action", "append"), ("position", "0")]);
                    let patch = call(Method::PATCH);
                    if size > 0 {
                        send(&self.storage, &patch, &append, &headers, Some(file)).await?;
                    }
                    let end = size.to_string();
                    let flush = with_query(&url, &[("action", "flush"), ("position", &end)]);
                    return send(&self.storage, &patch, &flush, &headers, None).await;
                }
            }
            send(&self.storage, &call(Method::PUT), &url, &headers, Some(file)).await
        })
    }
}

/// Where a file may be fetched from or put, for a while.
struct Address {
    url: Url,
    headers: HeaderMap,
    kind: Kind,
}

fn with_query(url: &Url, pairs: &[(&str, &str)]) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().extend_pairs(pairs);
    url
}

/// What takes the files.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum Kind {
    /// S3 and Google: the body is the object.
    #[default]
    #[serde(rename = "AWS_PRESIGNED_URL", alias = "GCP_SIGNED_URL")]
    Object,
    #[serde(rename = "AZURE_SAS_URI")]
    AzureBlob,
    #[serde(rename = "AZURE_ADLS_GEN2_SAS_URI")]
    AzureLake,
}

/// The answer of each of the calls.
#[derive(Deserialize)]
struct Answered {
    /// Of a run.
    #[serde(default)]
    credential_infos: Vec<SignedUri>,
    /// Of a logged model.
    #[serde(default)]
    credentials: Vec<Credential>,
    /// Of a version.
    #[serde(flatten)]
    alone: Option<SignedUri>,
}

#[derive(Deserialize)]
struct Credential {
    credential_info: SignedUri,
}

#[derive(Deserialize)]
struct SignedUri {
    #[serde(rename = "signed_uri", alias = "url")]
    address: String,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default, rename = "type")]
    kind: Kind,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

impl Answered {
    fn address(self) -> Option<SignedUri> {
        let of_run = self.credential_infos.into_iter().next();
        let of_model = self.credentials.into_iter().next().map(|each| each.credential_info);
        of_run.or(of_model).or(self.alone)
    }
}

#[cfg(test)]
mod tests;
