//! Unity Catalog lends credentials for the files of one version, for a while.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::temporary_credentials::TemporaryCredentials;
use crate::Error;
use crate::client::call::Call;
use crate::client::transport::Transport;

/// Who is asked for the credentials of one version.
#[derive(Debug)]
pub(crate) struct Vending {
    transport: Arc<Transport>,
    name: String,
    version: u64,
    operation: Operation,
    /// What was lent last, and until when it is used.
    lent: Mutex<Option<(Arc<TemporaryCredentials>, Instant)>>,
}

/// What the files are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    /// Of a version that is pending.
    ReadWrite,
}

/// Nothing is begun with credentials that expire sooner.
const MARGIN: Duration = Duration::from_secs(60);
/// They are asked for again after this time at the latest: they may not say when they expire, and clocks differ.
const LONGEST: Duration = Duration::from_secs(20 * 60);

impl Vending {
    pub(crate) fn new(
        transport: Arc<Transport>,
        name: String,
        version: u64,
        operation: Operation,
    ) -> Self {
        Self { transport, name, version, operation, lent: Mutex::default() }
    }

    /// Credentials that last for a while.
    pub(crate) async fn credentials(&self) -> Result<Arc<TemporaryCredentials>, Error> {
        let mut lent = self.lent.lock().await;
        match &*lent {
            Some((credentials, until)) if Instant::now() < *until => Ok(Arc::clone(credentials)),
            _ => {
                let credentials = Arc::new(self.ask().await?);
                let lifetime = credentials.lifetime().unwrap_or(LONGEST).min(LONGEST);
                let until = Instant::now() + lifetime.saturating_sub(MARGIN);
                *lent = Some((Arc::clone(&credentials), until));
                Ok(credentials)
            }
        }
    }

    async fn ask(&self) -> Result<TemporaryCredentials, Error> {
        #[derive(Deserialize)]
        struct Answered {
            credentials: TemporaryCredentials,
        }

        let operation = match self.operation {
            Operation::Read => "MODEL_VERSION_OPERATION_READ",
            Operation::ReadWrite => "MODEL_VERSION_OPERATION_READ_WRITE",
        };
        let version = self.version.to_string();
        let body = json!({"name": self.name, "version": version, "operation": operation});
        let path = "model-versions/generate-temporary-credentials";
        let call = Call::post("get credentials for the files of", path, body).idempotent();
        let call = call.target(format_args!("{}/{version}", self.name));
        Ok(self.transport.send::<Answered>(call).await?.credentials)
    }
}
