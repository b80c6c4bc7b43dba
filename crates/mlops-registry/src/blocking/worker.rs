use std::panic::resume_unwind;
use std::thread;

use tokio::runtime::{self, Handle, Runtime};

use crate::{Error, ErrorKind};

/// Threads that keep connections alive, and the way to wait for what happens there.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Worker {
    pub(crate) fn start() -> Result<Self, Error> {
        let mut builder = runtime::Builder::new_multi_thread();
        let builder = builder.worker_threads(2).thread_name("mlflow-client").enable_all();
        let runtime = builder.build().map_err(no_thread)?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Waits for what comes of `future`.
    ///
    /// # Errors
    /// That of the future; [`Io`](ErrorKind::Io) if the operating system gives no thread.
    pub(crate) fn wait<T: Send>(
        &self,
        future: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        if Handle::try_current().is_err() {
            return self.handle.block_on(future);
        }
        // A thread that runs asynchronous code must not wait for other such code; another one may.
        thread::scope(|scope| {
            let waiting = thread::Builder::new()
                .spawn_scoped(scope, || self.handle.block_on(future))
                .map_err(no_thread)?;
            waiting.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}

impl Drop for Worker {
    /// Without waiting, which is a panic in asynchronous code.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn no_thread(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "start", "a thread for the client").with_source(error)
}
