mod connection;
mod event_loops;
mod port;
#[cfg(feature = "tls")]
mod tls;

use std::num::NonZeroUsize;
use std::pin::pin;
use std::thread::available_parallelism;

use tokio::net::TcpListener;
use tokio::time::sleep;

use connection::Connections;
use event_loops::EventLoops;
use port::Port;
#[cfg(feature = "tls")]
pub use tls::{TlsConfig, TlsError};

use crate::router::{Paths, router};
use crate::{Error, Service};

/// Serves `service` on `listener` until `shutdown` is ready: a [`Server`] without further wishes.
///
/// # Errors
/// Those of [`Server::run`].
///
/// # Examples
/// ```no_run
/// # async fn example(service: mlops_serve::Service) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("0.0.0.0:5000").await?;
/// let shutdown = async {
///     // Without a handler of the signal, the service runs until it is killed.
///     if tokio::signal::ctrl_c().await.is_err() {
///         std::future::pending().await
///     }
/// };
/// mlops_serve::serve(listener, service, shutdown).await?;
/// # Ok(())
/// # }
/// ```
pub async fn serve(
    listener: TcpListener,
    service: Service,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    Server::new(service).run(listener, shutdown).await
}

/// While one thread waits for a core, the other may have one.
const LOOPS_PER_CORE: usize = 2;

/// Puts a [`Service`] behind sockets.
#[derive(Debug)]
#[must_use]
pub struct Server {
    service: Service,
    admin: Option<TcpListener>,
    n_event_loops: usize,
    #[cfg(feature = "tls")]
    tls: Option<TlsConfig>,
}

impl Server {
    /// A server of `service`, with one port, two event loops per core, and without TLS.
    pub fn new(service: Service) -> Self {
        Self {
            service,
            admin: None,
            n_event_loops: LOOPS_PER_CORE * available_parallelism().map_or(1, NonZeroUsize::get),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// A second port for metrics, health and administration, which should not be open to clients. The first one has
    /// no metrics then.
    pub fn admin(self, listener: TcpListener) -> Self {
        Self { admin: Some(listener), ..self }
    }

    /// Serves the connections of the first port on `n` threads of its own, which have an event loop each, two for each core
    /// by default; with 0, as tasks of the runtime that the server runs in. Connections are accepted, and those
    /// of the second port served, by the runtime in any case.
    ///
    /// Event loops take less CPU time than a runtime of as many threads, and a request seldom waits for a thread that got
    /// no core. But the connections of a loop wait for each other: 0 and a runtime of many threads suit models that take
    /// long, or may hang, on a few rows.
    pub fn event_loops(self, n: usize) -> Self {
        Self { n_event_loops: n, ..self }
    }

    /// Speaks TLS on the first port.
    #[cfg(feature = "tls")]
    pub fn tls(self, config: TlsConfig) -> Self {
        Self { tls: Some(config), ..self }
    }

    /// Serves on `listener` until `shutdown` is ready.
    ///
    /// Connections have the deadlines of [`Limits`](crate::Limits). On shutdown the service says at once that it is
    /// not ready, goes on for the drain delay, in which each answer is the last of its connection, takes no more
    /// connections, gives the requests in flight their grace, and then the telemetry as much to be written out.
    ///
    /// # Errors
    /// * [`Error::Thread`] if the operating system gives no thread for an event loop, or no descriptors
    /// * [`Error::ConnectionsCut`] if requests were still in flight after the grace
    /// * [`Error::Telemetry`] if the output of the telemetry was too slow or blocked
    /// * [`Error::Audit`] if the audit log was not sealed in time
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        let service = self.service;
        let limits = *service.limits();
        let paths = if self.admin.is_some() { Paths::Public } else { Paths::All };
        let connections = Connections::new(&service, router(service.clone(), paths));
        #[cfg(feature = "tls")]
        let connections = connections.tls(self.tls);
        let public = Port::new(listener, connections, &service);
        let public = public.event_loops(EventLoops::start(self.n_event_loops)?);
        let shutdown = async {
            shutdown.await;
            service.stop();
            sleep(limits.drain_delay).await;
        };
        let n_cut = match self.admin {
            None => public.serve(shutdown).await,
            Some(listener) => {
                let router = router(service.clone(), Paths::Admin);
                let connections = Connections::new(&service, router);
                let admin = Port::new(listener, connections, &service);
                let mut public = pin!(public.serve(shutdown));
                // The metrics can be read until the last request is answered.
                tokio::select! {
                    n_cut = &mut public => n_cut,
                    n_cut = admin.serve(std::future::pending()) => n_cut,
                }
            }
        };
        let flushed = service.flush_records().await;
        if n_cut > 0 {
            return Err(Error::ConnectionsCut { connections: n_cut, grace: limits.grace });
        }
        flushed
    }
}

#[cfg(test)]
mod tests;
