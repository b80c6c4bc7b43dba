//! A client of MLflow servers for programs without an asynchronous runtime, with the feature `client`.

mod artifact_repository;
mod methods;
mod pages;
mod server_run;
mod twin;
mod worker;

use std::sync::Arc;

pub use artifact_repository::ArtifactRepository;
pub use pages::Pages;
pub use server_run::ServerRun;

use crate::{Error, client};
use worker::Worker;

/// A [`client::MlflowClient`] whose methods wait for the server.
///
/// It runs on threads of its own, which all clones share; called from asynchronous code it holds up the task, as
/// everything does that waits, and works all the same. Searches are iterators.
///
/// # Examples
/// ```no_run
/// use mlops_registry::{Filter, RunStatus};
/// use mlops_registry::blocking::MlflowClient;
/// use mlops_registry::client::NewRun;
///
/// let client = MlflowClient::new("http://127.0.0.1:5000")?;
/// let experiment = client.experiment("wine quality")?;
/// let run = client.create_run(&experiment, NewRun::new("search"))?;
/// client.log_metric(&run.id, "loss", 0.25, 1)?;
/// client.finish_run(&run.id, RunStatus::Finished)?;
/// for experiment in client.search_experiments(&Filter::all()) {
///     println!("{}", experiment?.name);
/// }
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MlflowClient {
    twin: client::MlflowClient,
    worker: Arc<Worker>,
}

impl MlflowClient {
    /// A client of the server at `tracking_uri`, as [`client::MlflowClient::new`] makes one. One with further wishes is
    /// made by [`build_blocking`](client::MlflowClientBuilder::build_blocking).
    ///
    /// # Errors
    /// As [`build_blocking`](client::MlflowClientBuilder::build_blocking).
    pub fn new(tracking_uri: &str) -> Result<Self, Error> {
        client::MlflowClient::builder(tracking_uri).build_blocking()
    }

    /// The client whose methods this one waits for.
    pub fn asynchronous(&self) -> &client::MlflowClient {
        &self.twin
    }

    pub(crate) fn wait<T: Send>(
        &self,
        future: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.worker.wait(future)
    }
}

impl client::MlflowClientBuilder {
    /// The client for programs without an asynchronous runtime; nothing is sent yet.
    ///
    /// # Errors
    /// As [`build`](Self::build); [`Io`](crate::ErrorKind::Io) also if the operating system gives no thread.
    pub fn build_blocking(self) -> Result<MlflowClient, Error> {
        Ok(MlflowClient { twin: self.build()?, worker: Arc::new(Worker::start()?) })
    }
}

#[cfg(test)]
mod tests;
