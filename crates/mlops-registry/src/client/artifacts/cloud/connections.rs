use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpResponse, HttpService,
};
use reqwest::{Client, Method, StatusCode};

use crate::client::tls::Tls;
use crate::client::transport::{Timeouts, connections};
use crate::{Error, ErrorKind};

/// Connections to object storage, and to who knows the credentials of a machine.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    http: Client,
    /// Waits for what is sent.
    uploads: Client,
    /// For addresses that there are on machines of the provider only.
    machine: Client,
    timeouts: Timeouts,
}

/// Addresses of a machine answer at once, or are not there.
const MACHINE: Duration = Duration::from_secs(1);
/// What is sent takes so many bytes a second, or more.
const SLOWEST: u64 = 64 * 1024;

impl Connections {
    /// # Errors
    /// As [`Tls::config`].
    pub(super) fn new(believes_anyone: bool, timeouts: Timeouts) -> Result<Self, Error> {
        // What there is for the server, authorities and a certificate, is for the server alone.
        let tls = Tls { believes_anyone, ..Tls::default() }.config()?;
        let built = |client: reqwest::ClientBuilder| {
            client.build().map_err(|error| {
                let target = "connections to object storage";
                Error::new(ErrorKind::Io, "prepare", target).with_source(error)
            })
        };
        let on_the_machine = Timeouts { connect: MACHINE, ..timeouts };
        Ok(Self {
            http: built(connections(&tls, timeouts).read_timeout(timeouts.read))?,
            uploads: built(connections(&tls, timeouts))?,
            machine: built(connections(&tls, on_the_machine).read_timeout(timeouts.read))?,
            timeouts,
        })
    }
}

impl HttpConnector for Connections {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // Those of files have none of the options.
        let is_of_machine =
            options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true");
        Ok(HttpClient::new(if is_of_machine {
            Self { http: self.machine.clone(), ..self.clone() }
        } else {
            self.clone()
        }))
    }
}

#[async_trait]
impl HttpService for Connections {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_listing = is_listing(&request);
        let response = if request.method() == Method::PUT {
            let n_bytes = request.body().content_length() as u64;
            let patience = self.timeouts.read + Duration::from_secs(n_bytes / SLOWEST);
            let sent = tokio::time::timeout(patience, self.uploads.call(request)).await;
            sent.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))??
        } else {
            self.http.call(request).await?
        };
        let status = response.status();
        let is_told = status.is_client_error() || status.is_redirection();
        // What else is an answer, `object_store` tells by itself.
        let passes = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
        let is_untold = is_listing || matches!(status.as_u16(), 301 | 302 | 307 | 308 | 400);
        if is_told && is_untold && !passes.contains(&status) {
            return Err(HttpError::new(HttpErrorKind::Unknown, Refusal(status)));
        }
        Ok(response)
    }
}

/// Whether a request asks what is in a bucket.
fn is_listing(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::GET
        && (query.contains("list-type=2") || query.contains("comp=list"))
}

/// A status in place of what was asked for.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the storage answered with status {0}")]
struct Refusal(StatusCode);

/// The status that is behind an error, where it is told.
pub(crate) fn status_of(error: &object_store::Error) -> Option<u16> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(Refusal(status)) = error.downcast_ref() {
            return Some(status.as_u16());
        }
        cause = error.source();
    }
    None
}
