use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::counter::Counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::{Error, Service};

/// Serves `service` on `listener` until `shutdown` is ready.
///
/// A client has 10 seconds for the headers of a request (the wait on an idle connection included),
/// 30 for its body, at most 64 headers, and 512 connections are open at a time. On shutdown the
/// service says at once that it is not ready, takes no more connections, gives the requests in
/// flight 10 seconds, and then the log as much to be written out.
///
/// # Errors
/// * [`Error::ConnectionsCut`] if requests were still in flight after the grace
/// * [`Error::LogNotWritten`] if the log's writer was too slow or blocked
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
    let http = http(limits.header_time);
    let router = TowerToHyperService::new(service.router());
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let has_room = connections.len() < limits.connections;
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener, accept_failures), if has_room => {
                let connection = http.serve_connection(TokioIo::new(stream), router.clone());
                connections.spawn(graceful.watch(connection));
            }
        }
    }
    service.stop();
    drop(listener);

    let grace = limits.grace;
    let finished = timeout(grace, graceful.shutdown()).await;
    while connections.try_join_next().is_some() {}
    let cut = if finished.is_ok() { 0 } else { connections.len() };
    connections.shutdown().await;
    let written = timeout(grace, service.flush_log()).await;
    if cut > 0 {
        return Err(Error::ConnectionsCut { connections: cut, grace });
    }
    written.map_err(|_| Error::LogNotWritten { grace })
}

fn http(header_time: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Without a timer hyper never applies a timeout, and says nothing about it.
    builder.timer(TokioTimer::new()).header_read_timeout(header_time);
    builder.max_headers(64).max_buf_size(64 << 10);
    builder
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

#[cfg(test)]
mod tests;
