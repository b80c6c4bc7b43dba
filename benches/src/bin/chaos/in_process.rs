use std::error::Error;
use std::thread::{self, JoinHandle};

use mlops_serve::{Service, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A service on a free port of this machine, on threads of its own.
#[derive(Debug)]
pub(crate) struct InProcess {
    pub(crate) port: u16,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), mlops_serve::Error>>,
}

impl InProcess {
    pub(crate) fn start(service: Service) -> Result<Self, Box<dyn Error>> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // An error means that the scenario is gone: reason enough to stop.
            let _ = stopped.await;
        };
        let thread = thread::spawn(move || {
            let served = runtime.block_on(serve(listener, service, shutdown));
            // A model that hangs is not waited for.
            runtime.shutdown_background();
            served
        });
        Ok(Self { port, stop, thread })
    }

    /// Ends the service when its requests are answered.
    pub(crate) fn stop(self) -> Result<(), Box<dyn Error>> {
        // If the service is gone already, its own outcome says why.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| "the service panicked")??;
        Ok(())
    }
}
