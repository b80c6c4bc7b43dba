use std::time::Duration;

use super::MlflowClient;
use crate::{Error, LogBatch, LogSink, RunId};

/// A run of a server, as that to which a [`RunLogger`](crate::RunLogger) logs.
///
/// # Examples
/// ```no_run
/// use mlops_registry::RunLogger;
/// use mlops_registry::blocking::{MlflowClient, ServerRun};
/// use mlops_registry::client::NewRun;
///
/// let client = MlflowClient::new("http://127.0.0.1:5000")?;
/// let run = client.create_run(&client.experiment("wine quality")?, NewRun::new("search"))?;
/// let logger = RunLogger::new(ServerRun::new(client, run.id))?;
/// for step in 0..1000 {
///     logger.log_metric("loss", 1.0 / (step + 1) as f64, step);
/// }
/// let report = logger.finish();
/// assert!(report.is_complete(), "{report:?}");
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerRun {
    client: MlflowClient,
    run_id: RunId,
}

/// Databricks takes 47 batches a second from all who log to a workspace.
const PAUSE: Duration = Duration::from_millis(100);

impl ServerRun {
    /// The run `run_id` of the server that `client` speaks to.
    pub fn new(client: MlflowClient, run_id: RunId) -> Self {
        Self { client, run_id }
    }
}

impl LogSink for ServerRun {
    fn log_batch(&self, batch: &LogBatch) -> Result<(), Error> {
        self.client.log_batch(&self.run_id, batch)
    }

    /// A tenth of a second: servers limit how often they are asked.
    fn pause(&self) -> Duration {
        PAUSE
    }
}
