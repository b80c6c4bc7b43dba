//! A client of MLflow servers, with the feature `client`.

mod artifacts;
mod auth;
mod builder;
mod cache;
mod call;
mod catalog_version;
mod datasets;
mod exchange;
mod experiments;
mod item_stream;
mod log_batch;
mod logged_model_search;
mod logged_models;
mod metrics;
mod model_upload;
mod model_versions;
mod new_model_version;
mod once;
mod pages;
mod publish;
mod registered_models;
mod registration;
mod resolve;
mod retries;
mod runs;
mod server_error;
mod server_info;
mod setting_error;
#[cfg(any(feature = "s3", feature = "azure"))]
mod storage_options;
mod tls;
mod transport;
mod unity_catalog;
mod wire;

use std::sync::Arc;

use reqwest::header::HOST;
use tokio::sync::OnceCell;

pub use artifacts::{Artifact, ArtifactRepository, Progress, Transfer};
pub use auth::{Auth, Entra};
pub use builder::MlflowClientBuilder;
pub use cache::{CachedModel, ModelCache};
pub use datasets::{ModelOutput, RunInputs};
pub use item_stream::ItemStream;
pub use logged_model_search::LoggedModelOrder;
pub use logged_models::{LoggedModel, LoggedModelMetric, LoggedModelStatus, NewLoggedModel};
pub use metrics::RunMetric;
pub use new_model_version::NewModelVersion;
pub use pages::Pages;
pub use publish::{Publication, Published};
pub use resolve::ResolvedModel;
pub use retries::Retries;
pub use runs::{NewRun, Run, RunUpdate};
pub use server_error::{ErrorCode, ServerError};
pub use server_info::ServerInfo;
pub use setting_error::SettingError;

use crate::{Error, env};
use transport::Transport;

/// A client of an MLflow server: experiments, runs, metrics, logged models and the model registry.
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
    server_info: Arc<OnceCell<ServerInfo>>,
    local_artifacts: bool,
    #[cfg(any(feature = "s3", feature = "azure"))]
    cloud: Arc<artifacts::Cloud>,
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

    /// The address of the server that has the runs, without secrets.
    pub(crate) fn tracking_uri(&self) -> &str {
        self.transport.base.as_str()
    }

    /// The address of the server that has the registry, without secrets.
    pub(crate) fn registry_uri(&self) -> &str {
        self.transport.of_registry().base.as_str()
    }

    /// Which models the client sees: those of a registry, and of a workspace there.
    pub(crate) fn registry_identity(&self) -> String {
        let transports = [Some(&*self.transport), self.transport.registry.as_deref()];
        let mut identity = String::new();
        for transport in transports.into_iter().flatten() {
            identity += transport.base.as_str();
            for (name, value) in &transport.headers {
                // The name that the server is called by is no part of it.
                if name != HOST {
                    identity.extend([
                        " ",
                        name.as_str(),
                        "=",
                        &String::from_utf8_lossy(value.as_bytes()),
                    ]);
                }
            }
            identity.push('\n');
        }
        identity
    }

    /// A client with further wishes.
    pub fn builder(tracking_uri: &str) -> MlflowClientBuilder {
        MlflowClientBuilder::new(tracking_uri)
    }
}

#[cfg(test)]
mod tests;
