use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::sleep;

use super::file_body::FileBody;
use super::store::{Answer, Chunks, Content, Mark, Sent, Store};
use super::{Artifact, join};
use crate::Error;
use crate::client::call::Call;
use crate::client::exchange::without_answer;
use crate::client::retries::Failure;
use crate::client::server_error::ServerError;
use crate::client::transport::{Transport, call_error};
use crate::client::wire;

/// Artifacts behind the MLflow server.
#[derive(Debug)]
pub(crate) struct Proxy {
    transport: Arc<Transport>,
    /// `.../api/2.0/mlflow-artifacts/artifacts`
    address: Url,
    root: String,
}

const API: &str = "/api/2.0/mlflow-artifacts/artifacts";
/// So many times as long as for anything else.
const SENDING_ON: u32 = 10;

impl Proxy {
    pub(crate) fn new(transport: Arc<Transport>, server: &Url, root: String) -> Self {
        let mut address = server.clone();
        address.set_path(&format!("{}{API}", server.path().trim_end_matches('/')));
        Self { transport, address, root }
    }

    /// The address of a file, each part of its path percent-encoded.
    fn file(&self, path: &str) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.extend(join(&self.root, path).split('/'));
        }
        url
    }

    async fn send(
        &self,
        source: &Path,
        size: u64,
        sent: &Sent,
        url: &Url,
    ) -> Result<(), (Failure, ServerError)> {
        let moved = Arc::new(AtomicU64::new(0));
        let body = FileBody::open(source, size, sent, &moved).await;
        let body = body.map_err(|error| {
            let unread = ServerError::without_answer("the file cannot be read");
            (Failure::Final, unread.with_cause(error))
        })?;
        let body = reqwest::Body::wrap(body);
        tokio::select! {
            response = self.transport.upload(url.clone(), body) => response.map(drop),
            () = stalled(&moved, size, self.transport.timeouts.read) => {
                let error = ServerError::without_answer("the server has stopped reading");
                Err((Failure::Lost, error))
            }
        }
    }
}

impl Store for Proxy {
    fn list<'a>(&'a self, folder: &'a str) -> Answer<'a, Vec<Artifact>> {
        Box::pin(async move {
            let path = join(&self.root, folder);
            let call = Call::get("list the artifacts in", "").target(&path);
            let mut url = self.address.clone();
            url.query_pairs_mut().append_pair("path", &path);
            let listing: Listing = self.transport.send_to(&call, &url).await?;
            let artifact = |file: Listed| Artifact {
                path: join(folder, &file.path),
                size: file.file_size.and_then(|size| u64::try_from(size).ok()),
                is_folder: file.is_dir,
            };
            Ok(listing.files.into_iter().map(artifact).collect())
        })
    }

    fn read<'a>(&'a self, path: &'a str, from: Option<&'a Mark>) -> Answer<'a, Content> {
        Box::pin(async move {
            let call = Call::get("read the artifact", "").target(path);
            let url = self.file(path);
            let say = |request: RequestBuilder| match from {
                Some(Mark { start, tag }) => {
                    request.header(RANGE, format!("bytes={start}-")).header(IF_RANGE, tag)
                }
                None => request,
            };
            let attempt = || self.transport.get(url.clone(), say);
            let response = match self.transport.repeat(&call, &url, attempt).await {
                // The file has become shorter.
                Err(error)
                    if from.is_some() && has_status(&error, StatusCode::RANGE_NOT_SATISFIABLE) =>
                {
                    return self.read(path, None).await;
                }
                response => response?,
            };
            let headers = response.headers();
            let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
            let (start, size) = match (response.status(), from) {
                (StatusCode::PARTIAL_CONTENT, Some(mark)) => {
                    let range = content_range(headers);
                    let goes_on = range.filter(|(start, _)| {
                        *start == mark.start && tag.as_ref() == Some(&mark.tag)
                    });
                    let Some(range) = goes_on else { return self.read(path, None).await };
                    range
                }
                _ => (0, content_length(headers)),
            };
            let chunks = Body { response, call, url };
            Ok(Content { start, size, tag, chunks: Box::new(chunks) })
        })
    }

    fn write<'a>(&'a self, path: &'a str, source: &'a Path, sent: Sent) -> Answer<'a, ()> {
        Box::pin(async move {
            let url = self.file(path);
            let call = Call::new("write the artifact", Method::PUT, "").target(path).idempotent();
            let size = tokio::fs::metadata(source).await;
            let size = size.map_err(|error| Error::io("read", source, error))?.len();
            let attempt = || self.send(source, size, &sent, &url);
            self.transport.repeat(&call, &url, attempt).await
        })
    }
}

/// The body of a response.
struct Body {
    response: Response,
    call: Call,
    url: Url,
}

impl Chunks for Body {
    fn next(&mut self) -> Answer<'_, Option<Bytes>> {
        Box::pin(async {
            let chunk = self.response.chunk().await;
            chunk.map_err(|error| call_error(&self.call, without_answer(error).1, &self.url))
        })
    }
}

/// When nothing has moved for that long. A server that has all of it may have to send it on before it answers.
async fn stalled(moved: &AtomicU64, size: u64, patience: Duration) {
    loop {
        let before = moved.load(Ordering::Relaxed);
        sleep(if before < size { patience } else { SENDING_ON * patience }).await;
        if moved.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    /// Below the folder that was asked for.
    path: String,
    #[serde(default)]
    is_dir: bool,
    #[serde(default, with = "wire::integer::option")]
    file_size: Option<i64>,
}

fn has_status(error: &Error, status: StatusCode) -> bool {
    error.server().and_then(|server| server.status) == Some(status.as_u16())
}

/// Start and whole size of `bytes START-END/SIZE`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (start, rest) = range.split_once('-')?;
    let (_, size) = rest.split_once('/')?;
    Some((start.parse().ok()?, size.parse().ok()))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
