use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use mlops_serve::{Service, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::serve::runtime;

/// The service on a free port of this machine, on threads of its own.
#[derive(Debug)]
pub(crate) struct Background {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), mlops_serve::Error>>,
}

impl Background {
    pub(crate) fn start(service: Service) -> Result<Self, Error> {
        let runtime = runtime()?;
        let listen = |source| Error::Listen { address: "a free port".to_owned(), source };
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // An error means that whoever started it is gone: reason enough to stop.
            let _ = stopped.await;
        };
        let thread = thread::spawn(move || runtime.block_on(serve(listener, service, shutdown)));
        Ok(Self { address, stop, thread })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the service finish what it is doing.
    pub(crate) fn stop(self) -> Result<(), Error> {
        // If the service is gone already, its own outcome says why.
        let _ = self.stop.send(());
        match self.thread.join() {
            Ok(outcome) => Ok(outcome?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
