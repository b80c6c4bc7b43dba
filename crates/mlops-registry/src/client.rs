//! A client of MLflow servers, with the feature `client`.

mod auth;
mod builder;
mod call;
mod exchange;
mod experiments;
mod filter;
mod log_batch;
mod metrics;
mod model_versions;
mod pages;
mod registered_models;
mod retries;
mod runs;
mod server_error;
mod setting_error;
mod tls;
mod transport;
mod unity_catalog;
mod wire;

use std::sync::Arc;

pub use auth::{Auth, Entra};
pub use builder::MlflowClientBuilder;
pub use filter::{Compare, Filter, FilterError};
pub use log_batch::LogBatch;
pub use metrics::NewMetric;
pub use pages::Pages;
pub use registered_models::RegisteredModel;
pub use retries::Retries;
pub use runs::{NewRun, Run};
pub use server_error::{ErrorCode, ServerError};
pub use setting_error::SettingError;

use crate::{Error, env};
use transport::Transport;

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

impl MlflowClient {
    /// A client of the server at `tracking_uri`, `http://` or `https://`, maybe with a path; name and password in it are
    /// sent as [`Auth::Basic`].
    ///
    /// # Errors
    /// As [`MlflowClientBuilder::build`].
    pub fn new(tracking_uri: &str) -> Result<Self, Error> {
        Self::builder(tracking_uri).build()
    }

    /// A client of the servers that the environment names; see [`client_builder`](crate::env::client_builder).
    ///
    /// # Errors
    /// As [`client_builder`](crate::env::client_builder) and [`MlflowClientBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        env::client_builder(None)?.build()
    }

    /// A client with further wishes.
    pub fn builder(tracking_uri: &str) -> MlflowClientBuilder {
        MlflowClientBuilder::new(tracking_uri)
    }
}

#[cfg(test)]
mod tests;
