use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode, Url};

use super::store::{Answer, Chunks, Content, Mark};
use crate::Error;
use crate::client::call::Call;
use crate::client::exchange::without_answer;
use crate::client::transport::{Transport, call_error};

/// Reads a file over HTTP, behind the mark if it is still the same file; `headers` are said too.
pub(crate) async fn fetch(
    transport: &Transport,
    call: Call,
    url: Url,
    headers: HeaderMap,
    from: Option<&Mark>,
) -> Result<Content, Error> {
    let mut from = from;
    loop {
        match attempt(transport, &call, &url, &headers, from).await? {
            Some((response, start, size)) => {
                let tag = tag(response.headers());
                let chunks = Box::new(Body { response, call, url });
                return Ok(Content { start, size, tag, chunks });
            }
            // The file is another one now.
            None => from = None,
        }
    }
}

/// The response with its first byte and the size of the whole file; `None` if it does not go on behind the mark.
async fn attempt(
    transport: &Transport,
    call: &Call,
    url: &Url,
    headers: &HeaderMap,
    from: Option<&Mark>,
) -> Result<Option<(Response, u64, Option<u64>)>, Error> {
    let ask = || {
        transport.get(url.clone(), |request| {
            let request = request.headers(headers.clone());
            match from {
                Some(Mark { start, tag }) => {
                    request.header(RANGE, format!("bytes={start}-")).header(IF_RANGE, tag)
                }
                None => request,
            }
        })
    };
    let response = match transport.repeat(call, url, ask).await {
        // The file has become shorter.
        Err(error) if from.is_some() && has_status(&error, StatusCode::RANGE_NOT_SATISFIABLE) => {
            return Ok(None);
        }
        response => response?,
    };
    let headers = response.headers();
    let (start, size) = match (response.status(), from) {
        (StatusCode::PARTIAL_CONTENT, Some(mark)) => {
            let range = content_range(headers);
            let goes_on = range.filter(|(start, _)| {
                *start == mark.start && tag(headers).as_ref() == Some(&mark.tag)
            });
            let Some(range) = goes_on else { return Ok(None) };
            range
        }
        _ => (0, content_length(headers)),
    };
    Ok(Some((response, start, size)))
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

fn tag(headers: &HeaderMap) -> Option<String> {
    headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned)
}

pub(crate) fn has_status(error: &Error, status: StatusCode) -> bool {
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
