//! A client of MLflow servers, with the feature `client`.

mod auth;
mod call;
mod experiments;
mod log_batch;
mod metrics;
mod model_versions;
mod pages;
mod registered_models;
mod retries;
mod runs;
mod server_error;
mod transport;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

pub use auth::Auth;
pub use log_batch::LogBatch;
pub use metrics::NewMetric;
pub use pages::Pages;
pub use retries::Retries;
pub use runs::{NewRun, Run};
pub use server_error::{ErrorCode, ServerError};

use crate::{Error, ErrorKind};
use transport::{Timeouts, Transport};

/// A client of an MLflow server: experiments, runs, metrics and the model registry.
///
/// A clone is the same client, with the same connections. Requests that fail for a passing reason are sent again, see
/// [`Retries`]; those that create something only if the server cannot have seen them, or after looking whether it has.
///
/// # Examples
/// ```no_run
/// use mlops_registry::client::{MlflowClient, NewRun};
/// use mlops_registry::{RunStatus, Stage};
///
/// # async fn example() -> Result<(), mlops_registry::Error> {
/// let client = MlflowClient::new("http://127.0.0.1:5000")?;
/// let experiment = client.experiment("wine quality").await?;
/// let run = client.create_run(&experiment, NewRun::new("search")).await?;
/// client.log_param(&run.id, "learning_rate", "0.1").await?;
/// client.log_metric(&run.id, "loss", 0.25, 1).await?;
/// client.finish_run(&run.id, RunStatus::Finished).await?;
/// client.transition_stage("wine_quality", 3, Stage::Production, true).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MlflowClient {
    transport: Arc<Transport>,
}

/// Collects what a [`MlflowClient`] is made of.
#[derive(Clone)]
#[must_use]
pub struct MlflowClientBuilder {
    tracking_uri: String,
    auth: Option<Auth>,
    retries: Retries,
    timeouts: Timeouts,
}

impl MlflowClient {
    /// A client of the server at `tracking_uri`, `http://` or `https://`, maybe with a path; name and password in it are
    /// sent as [`Auth::Basic`].
    ///
    /// # Errors
    /// As [`MlflowClientBuilder::build`].
    pub fn new(tracking_uri: &str) -> Result<Self, Error> {
        Self::builder(tracking_uri).build()
    }

    /// A client with further wishes.
    pub fn builder(tracking_uri: &str) -> MlflowClientBuilder {
        MlflowClientBuilder {
            tracking_uri: tracking_uri.to_owned(),
            auth: None,
            retries: Retries::default(),
            timeouts: Timeouts { connect: Duration::from_secs(10), read: Duration::from_secs(120) },
        }
    }
}

/// Without the tracking URI, which may hold a password.
impl fmt::Debug for MlflowClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { auth, retries, timeouts, .. } = self;
        f.debug_struct("MlflowClientBuilder")
            .field("auth", auth)
            .field("retries", retries)
            .field("timeouts", timeouts)
            .finish_non_exhaustive()
    }
}

impl MlflowClientBuilder {
    /// How the client says who it is.
    pub fn auth(self, auth: Auth) -> Self {
        Self { auth: Some(auth), ..self }
    }

    /// When requests are sent again.
    pub fn retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// How long a server is waited for until it goes on; 120 s by default.
    pub fn read_timeout(self, time: Duration) -> Self {
        Self { timeouts: Timeouts { read: time, ..self.timeouts }, ..self }
    }

    /// The client; nothing is sent yet.
    ///
    /// # Errors
    /// * [`InvalidUri`](ErrorKind::InvalidUri) if the tracking URI is none
    /// * [`Unsupported`](ErrorKind::Unsupported) if it is not `http` or `https`
    /// * [`Io`](ErrorKind::Io) if the certificates of this machine cannot be used
    pub fn build(self) -> Result<MlflowClient, Error> {
        // It may hold a password, so errors do not repeat it.
        let refused = |kind| Error::new(kind, "use", "the tracking URI");
        let url = Url::parse(&self.tracking_uri);
        let mut url = url.map_err(|error| refused(ErrorKind::InvalidUri).with_source(error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(ErrorKind::Unsupported));
        }
        let username = url.username().to_owned();
        let password = url.password().unwrap_or_default().to_owned();
        let named = (!username.is_empty()).then_some(Auth::Basic { username, password });
        let cannot_be_base = || refused(ErrorKind::InvalidUri);
        url.set_username("")
            .and_then(|()| url.set_password(None))
            .map_err(|()| cannot_be_base())?;
        url.set_query(None);
        url.set_fragment(None);
        let auth = self.auth.or(named).unwrap_or_default();
        let transport = Transport::new(url, auth, self.retries, self.timeouts)?;
        Ok(MlflowClient { transport: Arc::new(transport) })
    }
}

#[cfg(test)]
mod tests;
