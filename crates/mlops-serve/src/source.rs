use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
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

    /// Learns why no new version was put in place, each time that none was for a reason; does nothing by default.
    fn failed(&mut self, error: &ReloadError) {
        let _ = error;
    }
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
    /// The source was asked before and has not answered in a minute.
    #[error("the source of new versions is still being asked")]
    Busy,
    /// The service is about to end.
    #[error("the service is shutting down")]
    Stopping,
}

/// Asks a source now and then, and when told to, on a thread of its own.
pub(crate) struct Watcher {
    triggers: mpsc::Sender<Wish>,
    // Held by whoever waits for the source: it is asked for one at a time.
    waiting: Mutex<()>,
}

/// Somebody wants the source to be asked, and waits for what comes of it.
type Wish = mpsc::Sender<Result<bool, ReloadError>>;

impl Watcher {
    /// Starts the thread; it ends when the watcher is dropped or the service is gone.
    pub(crate) fn start(
        mut source: Box<dyn ModelSource>,
        interval: Duration,
        service: WeakService,
    ) -> Result<Self, Error> {
        let (triggers, wishes) = mpsc::channel::<Wish>();
        let run = move || {
            // A version that was refused does not come again, and is not in place all the same.
            let mut refusal = None;
            loop {
                let wish = match wishes.recv_timeout(interval) {
                    Ok(wish) => Some(wish),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                let outcome = reload(source.as_mut(), &service, &mut refusal);
                if let Err(error) = &outcome {
                    tracing::warn!(error = error as &dyn StdError, "no new version");
                    // A source that panics has only itself to blame.
                    let _ = catch_unwind(AssertUnwindSafe(|| source.failed(error)));
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
        Ok(Self { triggers, waiting: Mutex::new(()) })
    }

    /// Asks the source now; whether there was a new version.
    pub(crate) fn reload(&self) -> Result<bool, ReloadError> {
        let Ok(_waiting) = self.waiting.try_lock() else { return Err(ReloadError::Busy) };
        let (wish, outcome) = mpsc::channel();
        self.triggers.send(wish).map_err(|_| ReloadError::Stopping)?;
        match outcome.recv_timeout(PATIENCE) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(ReloadError::Busy),
            Err(RecvTimeoutError::Disconnected) => Err(ReloadError::Stopping),
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

fn reload(
    source: &mut dyn ModelSource,
    service: &WeakService,
    refusal: &mut Option<Error>,
) -> Result<bool, ReloadError> {
    let polled = catch_unwind(AssertUnwindSafe(|| source.poll()));
    let service = service.upgrade().ok_or(ReloadError::Stopping)?;
    let model = match polled {
        Ok(Ok(model)) => model,
        Ok(Err(error)) => {
            service.metrics().count_failed_swap();
            return Err(ReloadError::Source(error));
        }
        Err(_) => {
            service.metrics().count_failed_swap();
            return Err(ReloadError::Panic);
        }
    };
    let Some(model) = model else {
        return refusal.clone().map_or(Ok(false), |error| Err(ReloadError::Refused(error)));
    };
    *refusal = service.swap(model).err();
    refusal.clone().map_or(Ok(true), |error| Err(ReloadError::Refused(error)))
}

/// How long to wait for a source.
const PATIENCE: Duration = Duration::from_secs(60);
