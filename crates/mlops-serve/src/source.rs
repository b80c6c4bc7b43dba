use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use std::{fmt, io};

use crate::service::WeakService;
use crate::{Error, Model};

/// Where new versions of a model come from: a registry's alias that moves, a file that is written anew.
pub trait ModelSource: Send {
    /// The version that should answer, if it is another one than the last time; it may take its time.
    ///
    /// # Errors
    /// Whatever kept it from finding out. It is asked again later.
    fn poll(&mut self) -> Result<Option<Model>, Box<dyn StdError + Send + Sync>>;
}

/// Why no new version was put in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The service has no source of new versions.
    #[error("the service has no source of new versions")]
    NoSource,
    /// The source did not find out which version should answer.
    #[error("the source of new versions failed")]
    Source(#[source] Box<dyn StdError + Send + Sync>),
    /// The source panicked.
    #[error("the source of new versions panicked")]
    Panic,
    /// The new version cannot take the place of the old one.
    #[error("the new version was refused")]
    Refused(#[source] Error),
    /// The service is about to end.
    #[error("the service is shutting down")]
    Stopping,
}

/// Asks a source now and then, and when told to, on a thread of its own.
pub(crate) struct Watcher {
    triggers: mpsc::Sender<mpsc::Sender<Result<bool, ReloadError>>>,
}

impl Watcher {
    /// Starts the thread; it ends when the watcher is dropped or the service is gone.
    pub(crate) fn start(
        mut source: Box<dyn ModelSource>,
        interval: Duration,
        service: WeakService,
    ) -> Result<Self, Error> {
        let (triggers, wishes) = mpsc::channel::<mpsc::Sender<_>>();
        let run = move || {
            loop {
                let wish = match wishes.recv_timeout(interval) {
                    Ok(wish) => Some(wish),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                let outcome = reload(source.as_mut(), &service);
                if let Err(error) = &outcome {
                    tracing::warn!(error = error as &dyn StdError, "no new version");
                }
                if let Some(wish) = wish {
                    // Whoever asked may have given up.
                    let _ = wish.send(outcome);
                }
            }
        };
        thread::Builder::new()
            .name("models".to_owned())
            .spawn(run)
            .map_err(|error: io::Error| Error::Thread { kind: error.kind() })?;
        Ok(Self { triggers })
    }

    /// Asks the source now; whether there was a new version.
    pub(crate) fn reload(&self) -> Result<bool, ReloadError> {
        let (wish, outcome) = mpsc::channel();
        self.triggers.send(wish).map_err(|_| ReloadError::Stopping)?;
        outcome.recv().unwrap_or(Err(ReloadError::Stopping))
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

fn reload(source: &mut dyn ModelSource, service: &WeakService) -> Result<bool, ReloadError> {
    let polled = catch_unwind(AssertUnwindSafe(|| source.poll()));
    let model = polled.map_err(|_| ReloadError::Panic)?.map_err(ReloadError::Source)?;
    let Some(model) = model else { return Ok(false) };
    let service = service.upgrade().ok_or(ReloadError::Stopping)?;
    service.swap(model).map_err(ReloadError::Refused)?;
    Ok(true)
}
