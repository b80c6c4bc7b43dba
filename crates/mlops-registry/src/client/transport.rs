use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::sleep;

use super::auth::Auth;
use super::call::Call;
use super::retries::{Failure, Retries};
use super::server_error::ServerError;
use crate::{Error, ErrorKind, random};

/// Sends calls to one server, again where that may help.
#[derive(Debug)]
pub(crate) struct Transport {
    http: Client,
    /// Waits for what is sent, however long that takes.
    uploads: Client,
    patience: Duration,
    /// Without user, query and slash at the end.
    base: Url,
    auth: Auth,
    retries: Retries,
}

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    /// Until the answer begins or goes on.
    pub(crate) read: Duration,
}

const API: &str = "/api/2.0/mlflow/";
/// MLflow's servers close connections that are idle for five seconds.
const POOL_IDLE: Duration = Duration::from_secs(4);
const USER_AGENT: &str = concat!("mlops-registry/", env!("CARGO_PKG_VERSION"));

impl Transport {
    pub(crate) fn new(
        base: Url,
        auth: Auth,
        retries: Retries,
        timeouts: Timeouts,
    ) -> Result<Self, Error> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Io, "prepare connections to", &base).with_source(error)
        };
        let provider = Arc::new(ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| failed(error.into()))?
            .with_no_client_auth();
        let builder = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(USER_AGENT)
                .connect_timeout(timeouts.connect)
                .pool_idle_timeout(POOL_IDLE)
                // Whoever follows sends secrets to whom the server names.
                .redirect(Policy::none())
        };
        let http = builder().read_timeout(timeouts.read).build();
        let http = http.map_err(|error| failed(error.into()))?;
        let uploads = builder().build().map_err(|error| failed(error.into()))?;
        Ok(Self { http, uploads, patience: timeouts.read, base, auth, retries })
    }

    /// The address of the server, without user, query and slash at the end.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// When requests are sent again.
    pub(crate) fn retries(&self) -> &Retries {
        &self.retries
    }

    /// How long a server is waited for until it goes on.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Sends a call and reads the result.
    ///
    /// # Errors
    /// An error with a [`ServerError`] as source.
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.send_to(&call, &self.endpoint(&call)).await
    }

    /// Sends a call to an address of its own and reads the result.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(crate) async fn send_to<T: DeserializeOwned>(
        &self,
        call: &Call,
        url: &Url,
    ) -> Result<T, Error> {
        let body = self.repeat(call, url, || self.attempt(call, url.clone())).await?;
        read(&body).map_err(|error| call_error(call, error, url))
    }

    /// Tries until it succeeds, as often as that may help.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(crate) async fn repeat<T, F>(
        &self,
        call: &Call,
        url: &Url,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, (Failure, ServerError)>>,
    {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (failure, mut error) = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let wait = self.retries.wait(&failure, call.repeat, attempts, random::unit());
            let Some(wait) = wait else {
                error.attempts = attempts;
                error.is_ambiguous = failure.is_ambiguous();
                return Err(call_error(call, error, url));
            };
            sleep(wait).await;
        }
    }

    /// Sends a call whose result is a text.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(crate) async fn text(&self, call: Call) -> Result<String, Error> {
        let url = self.endpoint(&call);
        let body = self.repeat(&call, &url, || self.attempt(&call, url.clone())).await?;
        Ok(String::from_utf8_lossy(&body).trim().to_owned())
    }

    /// Sends a call whose result is nothing.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(crate) async fn run(&self, call: Call) -> Result<(), Error> {
        self.send::<IgnoredAny>(call).await.map(|_| ())
    }

    fn endpoint(&self, call: &Call) -> Url {
        let mut url = self.base.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        let api = if call.path.starts_with('/') { "" } else { API };
        url.set_path(&format!("{prefix}{api}{}", call.path));
        url
    }

    async fn attempt(&self, call: &Call, mut url: Url) -> Result<Vec<u8>, (Failure, ServerError)> {
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.request(call.method.clone(), &url);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        Ok(answer(request).await?.bytes().await.map_err(without_answer)?.into())
    }

    /// A request to an address; secrets go to the server only.
    pub(crate) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        self.say_who(self.http.request(method, url.clone()), url)
    }

    /// A request whose body takes as long as it takes.
    pub(crate) fn upload(&self, method: Method, url: &Url) -> RequestBuilder {
        self.say_who(self.uploads.request(method, url.clone()), url)
    }

    fn say_who(&self, request: RequestBuilder, url: &Url) -> RequestBuilder {
        if url.origin() == self.base.origin() { self.auth.apply(request) } else { request }
    }
}

/// Sends a request once.
///
/// # Errors
/// If there is no answer, or it is not success.
pub(crate) async fn answer(request: RequestBuilder) -> Result<Response, (Failure, ServerError)> {
    let response = request.send().await.map_err(without_answer)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.map(str::to_owned);
    let body = response.bytes().await.map_err(without_answer)?;
    let mut error = ServerError::of_answer(status.as_u16(), &body);
    if let Some(location) = location {
        error.message = format!("moved to {location}");
    }
    let is_explained = error.code.is_some();
    Err((Failure::Status { status: status.as_u16(), is_explained, retry_after }, error))
}

pub(crate) fn without_answer(error: reqwest::Error) -> (Failure, ServerError) {
    let (failure, message) = if error.is_connect() {
        (Failure::Unreachable, "no connection")
    } else if error.is_timeout() {
        (Failure::Lost, "no answer in time")
    } else {
        (Failure::Lost, "the connection ended before the answer")
    };
    // The address may hold what is searched for.
    (failure, ServerError::without_answer(message).with_cause(error.without_url()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServerError> {
    // Databricks says nothing in place of `{}`.
    let body = match body.trim_ascii() {
        b"" | b"200 OK" => b"{}",
        body => body,
    };
    serde_json::from_slice(body).map_err(|error| {
        let not_mlflow = ServerError::without_answer("the answer is not what MLflow answers");
        ServerError { status: Some(200), ..not_mlflow }.with_cause(error)
    })
}

pub(crate) fn call_error(call: &Call, mut error: ServerError, endpoint: &Url) -> Error {
    error.endpoint = format!("{} {endpoint}", call.method);
    Error::new(error.kind(), call.operation, &call.target).with_source(error)
}

/// In seconds; the other form is a date, which MLflow and its proxies do not send.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
