//! How far a server is with a new version.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::MlflowClient;
use super::model_versions::One;
use crate::{Error, ErrorKind, ModelVersion};

/// Why a version is not ready.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error("the registration failed: {message}")]
    Failed { message: String },
    #[error("it is still being registered after {timeout:?}")]
    Pending { timeout: Duration },
}

/// The first wait; the next ones double up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

const FAILED: &str = "FAILED_REGISTRATION";
pub(super) const PENDING: &str = "PENDING_REGISTRATION";

impl MlflowClient {
    /// Waits until a version is registered. MLflow's own servers do that at once, and Databricks by and by, which may
    /// take minutes.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such version
    /// * [`Refused`](ErrorKind::Refused) if the registration failed
    /// * [`Unavailable`](ErrorKind::Unavailable) if the version is not ready in time
    pub async fn await_ready(
        &self,
        name: &str,
        version: u64,
        timeout: Duration,
    ) -> Result<ModelVersion, Error> {
        let started = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            let One { model_version: found } =
                self.transport.send(Self::version_call(name, version)).await?;
            let (kind, reason) = match found.status.as_str() {
                FAILED => {
                    let message = found.status_message;
                    (ErrorKind::Refused, NotReady::Failed { message })
                }
                PENDING if started.elapsed() >= timeout => {
                    (ErrorKind::Unavailable, NotReady::Pending { timeout })
                }
                PENDING => {
                    sleep(wait.min(timeout.saturating_sub(started.elapsed()))).await;
                    wait = LONGEST_WAIT.min(2 * wait);
                    continue;
                }
                _ => return found.try_into(),
            };
            let target = format_args!("`{name}/{version}`");
            return Err(Error::new(kind, "await the version", target).with_source(reason));
        }
    }
}
