mod register;
mod run;

use std::fmt;

#[cfg(feature = "client")]
use crate::blocking::MlflowClient;
#[cfg(feature = "client")]
use crate::client::NewRun;
use crate::{Error, Experiment, Filter, LocalStore, RunId};

pub use run::{TrackedModel, TrackedRun};

/// Experiments and runs, in a directory or on a server: the same calls for both.
///
/// # Examples
/// ```
/// use mlops_registry::{LocalStore, RunStatus, Tracking};
///
/// # let folder = tempfile::tempdir()?;
/// let tracking = Tracking::local(LocalStore::open(folder.path().join("mlruns"))?);
/// let experiment = tracking.experiment("wine quality")?;
/// let search = tracking.start_run(&experiment, "search", None)?;
/// let trial = tracking.start_run(&experiment, "trial", Some(search.id()))?;
/// trial.log_metric("auc", 0.87, 0)?;
/// trial.finish(RunStatus::Finished)?;
/// search.finish(RunStatus::Finished)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tracking {
    backend: Backend,
}

#[derive(Clone, Debug)]
enum Backend {
    Local(LocalStore),
    #[cfg(feature = "client")]
    Server(MlflowClient),
}

impl Tracking {
    /// Runs in a directory.
    pub fn local(store: LocalStore) -> Self {
        Self { backend: Backend::Local(store) }
    }

    /// Runs on a server.
    #[cfg(feature = "client")]
    pub fn server(client: MlflowClient) -> Self {
        Self { backend: Backend::Server(client) }
    }

    /// The store, if runs are kept in a directory.
    pub fn store(&self) -> Option<&LocalStore> {
        match &self.backend {
            Backend::Local(store) => Some(store),
            #[cfg(feature = "client")]
            Backend::Server(_) => None,
        }
    }

    /// The experiment of a name, which is made if there is none.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if the name is empty
    /// * [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if it was deleted: the name is taken
    /// * what goes wrong with store or server
    pub fn experiment(&self, name: &str) -> Result<Experiment, Error> {
        match &self.backend {
            Backend::Local(store) => store.experiment(name),
            #[cfg(feature = "client")]
            Backend::Server(client) => client.experiment(name),
        }
    }

    /// Starts a run, as a child of `parent` if there is one, with MLflow's standard tags.
    ///
    /// # Errors
    /// What goes wrong with store or server.
    pub fn start_run(
        &self,
        experiment: &Experiment,
        name: &str,
        parent: Option<&RunId>,
    ) -> Result<TrackedRun, Error> {
        match &self.backend {
            Backend::Local(store) => {
                store.start_run(experiment, name, parent).map(TrackedRun::local)
            }
            #[cfg(feature = "client")]
            Backend::Server(client) => {
                let new = NewRun { parent: parent.cloned(), ..NewRun::new(name) };
                Ok(TrackedRun::server(client.clone(), client.create_run(experiment, new)?))
            }
        }
    }

    /// The runs of an experiment that a filter finds, the last started first.
    ///
    /// # Errors
    /// What goes wrong with store or server.
    pub fn search_runs(
        &self,
        experiment: &Experiment,
        filter: &Filter,
    ) -> Result<Vec<TrackedRun>, Error> {
        let experiments = [experiment.id.as_str()];
        match &self.backend {
            Backend::Local(store) => {
                let runs = store.search_runs(&experiments, filter, &[])?;
                Ok(runs.into_iter().map(TrackedRun::local).collect())
            }
            #[cfg(feature = "client")]
            Backend::Server(client) => {
                let runs = client.search_runs(&experiments, filter, &[]);
                runs.map(|run| Ok(TrackedRun::server(client.clone(), run?))).collect()
            }
        }
    }
}

impl fmt::Display for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.backend {
            Backend::Local(store) => write!(f, "the store {}", store.root().display()),
            #[cfg(feature = "client")]
            Backend::Server(client) => {
                write!(f, "the server {}", client.asynchronous().tracking_uri())
            }
        }
    }
}

#[cfg(test)]
mod tests;
