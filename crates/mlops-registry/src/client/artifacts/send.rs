use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Body, Url};
use tokio::time::sleep;

use super::file_body::FileBody;
use super::store::Sent;
use crate::Error;
use crate::client::call::Call;
use crate::client::retries::Failure;
use crate::client::server_error::ServerError;
use crate::client::transport::Transport;

/// So many times as long as for anything else.
const SENDING_ON: u32 = 10;

/// A file to send.
#[derive(Clone, Copy)]
pub(crate) struct SentFile<'a> {
    source: &'a Path,
    pub(crate) size: u64,
    sent: &'a Sent,
}

impl<'a> SentFile<'a> {
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) or [`Io`](crate::ErrorKind::Io) if it cannot be read.
    pub(crate) async fn new(source: &'a Path, sent: &'a Sent) -> Result<Self, Error> {
        let metadata = tokio::fs::metadata(source).await;
        let size = metadata.map_err(|error| Error::io("read", source, error))?.len();
        Ok(Self { source, size, sent })
    }
}

/// Sends a file, or an empty body, to an address; twice is the same as once.
pub(crate) async fn send(
    transport: &Transport,
    call: &Call,
    url: &Url,
    headers: &HeaderMap,
    file: Option<SentFile<'_>>,
) -> Result<(), Error> {
    let attempt = || attempt(transport, call, url, headers, file);
    transport.repeat(call, url, attempt).await
}

async fn attempt(
    transport: &Transport,
    call: &Call,
    url: &Url,
    headers: &HeaderMap,
    file: Option<SentFile<'_>>,
) -> Result<(), (Failure, ServerError)> {
    let moved = Arc::new(AtomicU64::new(0));
    let (body, size) = match file {
        None => (Body::from(""), 0),
        Some(SentFile { source, size, sent }) => {
            let body = FileBody::open(source, size, sent, &moved).await;
            let body = body.map_err(|error| {
                let unread = ServerError::without_answer("the file cannot be read");
                (Failure::Final, unread.with_cause(error))
            })?;
            (Body::wrap(body), size)
        }
    };
    tokio::select! {
        response = transport.upload(call.method.clone(), url.clone(), headers.clone(), body) => {
            response.map(drop)
        }
        () = stalled(&moved, size, transport.timeouts.read) => {
            let error = ServerError::without_answer("the server has stopped reading");
            Err((Failure::Lost, error))
        }
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
