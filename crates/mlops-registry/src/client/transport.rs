use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, ClientBuilder, Method, RequestBuilder, Response, Url};
use rustls::ClientConfig;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::sleep;

use super::auth::{Credentials, Session};
use super::call::Call;
use super::exchange::{answer, without_answer};
use super::retries::{Failure, Retries};
use super::server_error::{Login, ServerError};
use super::tls::Tls;
use super::unity_catalog;
use crate::{Error, ErrorKind, random};

/// Sends calls to one server, again where that may help; those of the registry maybe to another.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) http: Client,
    /// Waits for what is sent, however long that takes.
    pub(crate) uploads: Client,
    pub(crate) timeouts: Timeouts,
    /// Without user, query and slash at the end.
    pub(crate) base: Url,
    pub(crate) session: Session,
    /// Said with every call.
    pub(crate) headers: HeaderMap,
    pub(crate) retries: Retries,
    /// Who has the registry, if it is another server.
    pub(crate) registry: Option<Box<Self>>,
    pub(crate) has_unity_catalog: bool,
}

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(PartialEq))]
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
    /// Connections to a server.
    ///
    /// # Errors
    /// As [`Tls::config`].
    pub(crate) fn new(
        base: Url,
        session: Session,
        tls: &Tls,
        timeouts: Timeouts,
    ) -> Result<Self, Error> {
        let built = |client: ClientBuilder| {
            client.build().map_err(|error| {
                Error::new(ErrorKind::Io, "prepare connections to", &base).with_source(error)
            })
        };
        let tls = tls.config()?;
        Ok(Self {
            http: built(connections(&tls, timeouts).read_timeout(timeouts.read))?,
            uploads: built(connections(&tls, timeouts))?,
            timeouts,
            session,
            headers: HeaderMap::new(),
            retries: Retries::default(),
            registry: None,
            has_unity_catalog: false,
            base,
        })
    }

    /// Sends a call and reads the result.
    ///
    /// # Errors
    /// * an error with a [`ServerError`] as source
    /// * [`Unsupported`](ErrorKind::Unsupported) or [`InvalidName`](ErrorKind::InvalidName) if there is no such call of
    ///   Unity Catalog
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let (server, call) = self.addressed(call)?;
        server.send_to(&call, &server.endpoint(&call)).await
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
        let mut may_renew = true;
        loop {
            attempts += 1;
            let (failure, mut error) = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if failure == Failure::Expired && may_renew {
                may_renew = false;
                continue;
            }
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

    /// Who has the registry.
    pub(crate) fn of_registry(&self) -> &Self {
        self.registry.as_deref().unwrap_or(self)
    }

    /// Who gets a call, and how it is worded there.
    fn addressed(&self, call: Call) -> Result<(&Self, Call), Error> {
        if !call.is_of_registry() {
            return Ok((self, call));
        }
        let server = self.of_registry();
        let call = if server.has_unity_catalog { unity_catalog::translated(call)? } else { call };
        Ok((server, call))
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
        let body = call.body.as_ref().map(ToString::to_string);
        let say = |request: RequestBuilder| match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body),
            None => request,
        };
        let response = self.ask(&self.http, call.method.clone(), url, say).await?;
        Ok(response.bytes().await.map_err(without_answer)?.into())
    }

    /// Sends once a request that `say` has completed.
    ///
    /// # Errors
    /// What came instead of success.
    pub(crate) async fn get(
        &self,
        url: Url,
        say: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, (Failure, ServerError)> {
        self.ask(&self.http, Method::GET, url, say).await
    }

    /// Sends a body that takes as long as it takes.
    ///
    /// # Errors
    /// What came instead of success.
    pub(crate) async fn upload(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Response, (Failure, ServerError)> {
        self.ask(&self.uploads, method, url, |request| request.headers(headers).body(body)).await
    }

    /// Who asks is told to the server alone.
    async fn ask(
        &self,
        http: &Client,
        method: Method,
        url: Url,
        say: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, (Failure, ServerError)> {
        if url.origin() != self.base.origin() {
            return answer(say(http.request(method, url)), "").await;
        }
        let credentials = self.session.credentials(&self.http).await?;
        let request = http.request(method, url).headers(self.headers.clone());
        let request = say(credentials.apply(request));
        let (mut failure, mut error) = match answer(request, credentials.secret()).await {
            Ok(response) => return Ok(response),
            Err(failed) => failed,
        };
        if credentials != Credentials::None {
            error.login = Login::Credentials;
        }
        if error.kind() == ErrorKind::Unauthorized && self.session.forget(&credentials).await {
            failure = Failure::Expired;
        }
        Err((failure, error))
    }
}

/// Connections by which secrets are sent.
pub(crate) fn connections(tls: &ClientConfig, timeouts: Timeouts) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .user_agent(USER_AGENT)
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(POOL_IDLE)
        // Whoever follows sends secrets to whom the server names.
        .redirect(Policy::none())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServerError> {
    // Databricks says nothing in place of `{}`.
    let body = match body.trim_ascii() {
        b"" | b"200 OK" => b"{}",
        body => body,
    };
    serde_json::from_slice(body).map_err(|error| {
        ServerError::malformed("the answer is not what MLflow answers").with_cause(error)
    })
}

pub(crate) fn call_error(call: &Call, mut error: ServerError, endpoint: &Url) -> Error {
    // A token endpoint has named itself.
    if error.endpoint.is_empty() {
        let mut endpoint = endpoint.clone();
        endpoint.set_query(None);
        error.endpoint = format!("{} {endpoint}", call.method);
    }
    Error::new(error.kind(), call.operation, &call.target).with_source(error)
}
