use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};

use super::auth::hidden;
use super::retries::Failure;
use super::server_error::ServerError;

/// Sends a request once and reads the body of the answer.
///
/// # Errors
/// As [`answer`].
pub(crate) async fn exchange(
    request: RequestBuilder,
    secret: &str,
) -> Result<Vec<u8>, (Failure, ServerError)> {
    Ok(answer(request, secret).await?.bytes().await.map_err(without_answer)?.into())
}

/// Sends a request once, to be answered with success.
///
/// # Errors
/// What came instead, without the secret that was sent.
pub(crate) async fn answer(
    request: RequestBuilder,
    secret: &str,
) -> Result<Response, (Failure, ServerError)> {
    let response = request.send().await.map_err(without_answer)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.map(str::to_owned);
    let body = response.bytes().await.map_err(without_answer)?;
    let status = status.as_u16();
    let body = hidden(&String::from_utf8_lossy(&body), secret);
    let mut error = ServerError::of_answer(status, body.as_bytes());
    if let Some(location) = location {
        // What follows the path may hold what was asked for.
        let place = location.split(['?', '#']).next().unwrap_or_default();
        error.message = format!("moved to {}", hidden(place, secret));
    }
    let is_explained = error.code.is_some();
    Err((Failure::Status { status, is_explained, retry_after }, error))
}

pub(crate) fn without_answer(error: reqwest::Error) -> (Failure, ServerError) {
    let (failure, message) = if error.is_builder() {
        (Failure::Final, "the request cannot be sent")
    } else if error.is_connect() {
        (Failure::Unreachable, "no connection")
    } else if error.is_timeout() {
        (Failure::Lost, "no answer in time")
    } else {
        (Failure::Lost, "the connection ended before the answer")
    };
    // The address may hold what is searched for.
    (failure, ServerError::without_answer(message).with_cause(error.without_url()))
}

/// In seconds; the other form is a date, which MLflow and its proxies do not send.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
