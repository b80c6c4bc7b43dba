use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::admission::Room;
use crate::problem::Problem;

/// Demands that the body is said to be JSON, and not compressed.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if !is_media_type(headers, "application/json") {
        return Err(Problem::UnsupportedMediaType);
    }
    require_plain(headers)
}

/// Whether the body is said to be of a media type; parameters such as `charset=utf-8` are free.
pub(crate) fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| HeaderValue::to_str(value).ok());
    let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case(expected))
}

/// Demands that the body is not compressed.
pub(crate) fn require_plain(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(Problem::UnsupportedEncoding),
        _ => Ok(()),
    }
}

/// Reads a body of at most `limit` bytes, in at most `time`; never takes more than `limit` bytes, nor more than there
/// is room for.
pub(crate) async fn read(
    body: Body,
    limit: usize,
    room: &mut Room,
    time: Duration,
) -> Result<Vec<u8>, Problem> {
    timeout(time, collect(body, limit, room)).await.map_err(|_| Problem::Timeout)?
}

/// Frames are copied into one buffer: kept apart, a flood of one-byte chunks would take many times
/// its size.
async fn collect(mut body: Body, limit: usize, room: &mut Room) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut is_too_large = body.size_hint().lower() > limit as u64;
    while !is_too_large && let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::UnreadableBody)?;
        let Some(data) = frame.data_ref() else { continue };
        is_too_large = data.len() > limit - bytes.len();
        if !is_too_large {
            if !room.grow(data.len()) {
                discard(body, limit);
                return Err(Problem::Overloaded);
            }
            bytes.extend_from_slice(data);
        }
    }
    if !is_too_large {
        return Ok(bytes);
    }
    discard(body, limit.saturating_mul(DRAINED_LIMITS));
    Err(Problem::BodyTooLarge { limit })
}

/// What is left of a body that is too large is taken and thrown away while the answer goes out, up
/// to so many times the limit,
const DRAINED_LIMITS: usize = 4;
/// and for so long.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Takes up to so many bytes of a body while the answer goes out: most clients read it only once they have sent
/// everything, and keep the connection if they may.
pub(crate) fn discard(body: Body, most: usize) {
    tokio::spawn(timeout(DRAIN_TIME, drain(body, most)));
}

async fn drain(mut body: Body, most: usize) {
    let mut n_bytes = 0;
    while n_bytes < most
        && let Some(Ok(frame)) = body.frame().await
    {
        n_bytes += frame.data_ref().map_or(0, Bytes::len);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;
    use crate::Limits;
    use crate::admission::Admission;

    /// Reads a body with room for as much as the limits allow.
    async fn read(body: Body, limit: usize, time: Duration) -> Result<Vec<u8>, Problem> {
        super::read(body, limit, &mut Admission::new(&Limits::default()).room(), time).await
    }

    /// A body without a declared length: `left` chunks of 100 bytes, then it waits forever or ends.
    struct Chunks {
        left: usize,
        then_waits: bool,
        taken: Arc<AtomicUsize>,
    }

    impl HttpBody for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return if self.then_waits { Poll::Pending } else { Poll::Ready(None) };
            }
            self.left -= 1;
            self.taken.fetch_add(100, Ordering::Relaxed);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 100])))))
        }
    }

    fn chunks(left: usize, then_waits: bool) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        (Body::new(Chunks { left, then_waits, taken: Arc::clone(&taken) }), taken)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_body_at_the_limit_is_read_whole() {
        assert_eq!(read(chunks(10, false).0, 1000, SECOND).await.unwrap().len(), 1000);
        assert_eq!(read(Body::from("[]"), 2, SECOND).await.unwrap(), b"[]");
        assert_eq!(read(Body::empty(), 0, SECOND).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn the_rest_of_a_body_above_the_limit_is_thrown_away() {
        for (n_chunks, expected) in [(11, 1100), (40, 4000), (1_000_000, 5100)] {
            let (body, taken) = chunks(n_chunks, false);
            let outcome = read(body, 1000, SECOND).await;
            assert_eq!(outcome, Err(Problem::BodyTooLarge { limit: 1000 }));
            assert_eq!(
                taken.load(Ordering::Relaxed),
                1100,
                "the answer does not wait for the rest"
            );
            tokio::task::yield_now().await;
            assert_eq!(taken.load(Ordering::Relaxed), expected);
        }
        let outcome = read(Body::from(vec![b' '; 1001]), 1000, SECOND).await;
        assert_eq!(outcome, Err(Problem::BodyTooLarge { limit: 1000 }));
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_runs_out_of_time() {
        let (body, _) = chunks(3, true);
        let outcome = read(body, 1000, Duration::from_millis(20)).await;
        assert_eq!(outcome, Err(Problem::Timeout));
    }

    #[tokio::test]
    async fn a_body_without_room_is_turned_away() {
        let limits = Limits { requests: 1, body_bytes: 1000, ..Limits::default() };
        let admission = Admission::new(&limits);
        let (mut first, mut second) = (admission.room(), admission.room());
        let read = super::read(chunks(170, false).0, 20_000, &mut first, SECOND).await;
        assert_eq!(read.unwrap().len(), 17_000);
        let read = super::read(chunks(170, false).0, 20_000, &mut second, SECOND).await;
        assert_eq!(read, Err(Problem::Overloaded));
    }

    #[test]
    fn json_may_have_parameters_and_any_case() {
        for (value, is_json) in [
            (Some("application/json"), true),
            (Some("Application/JSON ; charset=utf-8"), true),
            (Some("application/json5"), false),
            (Some("text/csv"), false),
            (Some(""), false),
            (None, false),
        ] {
            let headers = value
                .map(|value| (CONTENT_TYPE, HeaderValue::from_static(value)))
                .into_iter()
                .collect::<HeaderMap>();
            let expected = if is_json { Ok(()) } else { Err(Problem::UnsupportedMediaType) };
            assert_eq!(require_json(&headers), expected, "{value:?}");
        }
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (encoding, expected) in
            [("identity", Ok(())), ("gzip", Err(Problem::UnsupportedEncoding))]
        {
            let encoding = (CONTENT_ENCODING, HeaderValue::from_static(encoding));
            let headers = [json.clone(), encoding].into_iter().collect::<HeaderMap>();
            assert_eq!(require_json(&headers), expected);
        }
    }
}
