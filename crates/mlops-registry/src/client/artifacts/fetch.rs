use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode, Url};

use super::store::{Answer, Chunks, Content, Span};
use crate::Error;
use crate::client::call::Call;
use crate::client::exchange::without_answer;
use crate::client::transport::{Transport, call_error};

/// Reads a file over HTTP, only the span if it is still the same file; `headers` are said too.
pub(crate) async fn fetch(
    transport: &Transport,
    call: Call,
    url: Url,
    headers: HeaderMap,
    span: Option<&Span>,
) -> Result<Content, Error> {
    let mut span = span;
    loop {
        match attempt(transport, &call, &url, &headers, span).await? {
            Some((response, Range { start, end, size })) => {
                let tag = tag(response.headers());
                let chunks = Box::new(Body { response, call, url });
                return Ok(Content { start, end, size, tag, chunks });
            }
            // The file is another one now.
            None => span = None,
        }
    }
}

/// What a response has of a file.
struct Range {
    start: u64,
    end: Option<u64>,
    /// Of the whole file.
    size: Option<u64>,
}

/// The response and what it has; `None` if that is not what was asked for.
async fn attempt(
    transport: &Transport,
    call: &Call,
    url: &Url,
    headers: &HeaderMap,
    span: Option<&Span>,
) -> Result<Option<(Response, Range)>, Error> {
    let ask = || {
        transport.get(url.clone(), |request| {
            let request = request.headers(headers.clone());
            let Some(Span { start, end, tag }) = span else { return request };
            let last = end.map(|end| (end - 1).to_string()).unwrap_or_default();
            let request = request.header(RANGE, format!("bytes={start}-{last}"));
            match tag {
                Some(tag) => request.header(IF_RANGE, tag),
                None => request,
            }
        })
    };
    let response = match transport.repeat(call, url, ask).await {
        // The file has become shorter.
        Err(error) if span.is_some() && has_status(&error, StatusCode::RANGE_NOT_SATISFIABLE) => {
            return Ok(None);
        }
        response => response?,
    };
    let headers = response.headers();
    let range = match (response.status(), span) {
        (StatusCode::PARTIAL_CONTENT, Some(span)) => {
            let is_asked_for = |range: &Range| {
                range.start == span.start
                    && span.end.is_none_or(|end| range.end == Some(end))
                    && (span.tag.is_none() || tag(headers) == span.tag)
            };
            let Some(range) = content_range(headers).filter(is_asked_for) else { return Ok(None) };
            range
        }
        _ => Range { start: 0, end: None, size: content_length(headers) },
    };
    Ok(Some((response, range)))
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

/// Of `bytes START-LAST/SIZE`.
fn content_range(headers: &HeaderMap) -> Option<Range> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (start, rest) = range.split_once('-')?;
    let (last, size) = rest.split_once('/')?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    Some(Range { start: start.parse().ok()?, end: Some(end), size: size.parse().ok() })
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
