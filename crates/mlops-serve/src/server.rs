mod connection;

use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use prometheus_client::metrics::counter::Counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use connection::Connections;

use crate::{Error, Service};

/// Serves `service` on `listener` until `shutdown` is ready.
///
/// Connections have the deadlines of [`Limits`](crate::Limits). On shutdown the service says at once that it is not
/// ready, goes on for the drain delay, takes no more connections, gives the requests in flight their grace, and then
/// the telemetry as much to be written out.
///
/// # Errors
/// * [`Error::ConnectionsCut`] if requests were still in flight after the grace
/// * [`Error::Telemetry`] if the output of the telemetry was too slow or blocked
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
    let limits = service.limits();
    let accept_failures = &service.metrics().accept_failures;
    let connections = Connections::new(&service);
    let graceful = GracefulShutdown::new();
    let mut open = JoinSet::new();
    let mut shutdown = pin!(async {
        shutdown.await;
        service.stop();
        sleep(limits.drain_delay).await;
    });
    loop {
        let n_open = open.len();
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            stream = accept(&listener, accept_failures), if n_open < limits.connections + SURPLUS => {
                let is_surplus = n_open >= limits.connections;
                open.spawn(graceful.watch(connections.serve(stream, is_surplus)));
            }
        }
    }
    drop(listener);

    let grace = limits.grace;
    let finished = timeout(grace, graceful.shutdown()).await;
    while open.try_join_next().is_some() {}
    let cut = if finished.is_ok() { 0 } else { open.len() };
    // A model that hangs is not waited for.
    open.abort_all();
    let flushed = service.flush_telemetry().await;
    if cut > 0 {
        return Err(Error::ConnectionsCut { connections: cut, grace });
    }
    flushed
}

/// Waits for a connection. What can fail here passes, so it is counted and tried again.
async fn accept(listener: &TcpListener, failures: &Counter) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A connection that refuses the option works without it.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                failures.inc();
                if !concerns_one_connection(&error) {
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether the next connection may well be accepted; otherwise descriptors or memory have run out.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// How long to wait when the process has no descriptors left: others must close theirs first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// So many connections above the limit are let in, for health checks and metrics.
const SURPLUS: usize = 64;

#[cfg(test)]
mod tests;
