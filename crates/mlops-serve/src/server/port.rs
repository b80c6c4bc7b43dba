use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use prometheus_client::metrics::counter::Counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::Connections;
use super::event_loops::EventLoops;
use crate::Service;

/// A listening socket and what becomes of its connections.
pub(super) struct Port {
    listener: TcpListener,
    connections: Connections,
    event_loops: EventLoops,
    limit: usize,
    grace: Duration,
    accept_failures: Counter,
}

impl Port {
    pub(super) fn new(listener: TcpListener, connections: Connections, service: &Service) -> Self {
        let limits = service.limits();
        let accept_failures = service.metrics().accept_failures.clone();
        Self {
            listener,
            connections,
            event_loops: EventLoops::default(),
            limit: limits.connections,
            grace: limits.grace,
            accept_failures,
        }
    }

    pub(super) fn event_loops(self, event_loops: EventLoops) -> Self {
        Self { event_loops, ..self }
    }

    /// Serves until `shutdown` is ready and then for the grace; the number of connections that were cut.
    pub(super) async fn serve(self, shutdown: impl Future<Output = ()>) -> usize {
        let graceful = GracefulShutdown::new();
        let mut open = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let n_open = open.len();
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = open.join_next() => {}
                stream = self.accept(), if n_open < self.limit.saturating_add(SURPLUS) => {
                    let is_surplus = n_open >= self.limit;
                    let (connections, watcher) = (self.connections.clone(), graceful.watcher());
                    let serve = move |stream| connections.serve(stream, is_surplus, watcher);
                    self.event_loops.spawn(&mut open, stream, serve);
                }
            }
        }
        drop(self.listener);
        if timeout(self.grace, graceful.shutdown()).await.is_ok() {
            // They are through, and let go of the service.
            while open.join_next().await.is_some() {}
            return 0;
        }
        while open.try_join_next().is_some() {}
        // A model that hangs is not waited for.
        open.abort_all();
        open.len()
    }

    /// Waits for a connection. What can fail here passes, so it is counted and tried again.
    async fn accept(&self) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // A connection that refuses the option works without it.
                    let _ = stream.set_nodelay(true);
                    return stream;
                }
                Err(error) => {
                    self.accept_failures.inc();
                    if !concerns_one_connection(&error) {
                        sleep(ACCEPT_PAUSE).await;
                    }
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
mod tests {
    use super::*;

    #[test]
    fn running_out_of_descriptors_is_no_matter_of_one_connection() {
        const EMFILE: i32 = 24;
        assert!(!concerns_one_connection(&io::Error::from_raw_os_error(EMFILE)));
        assert!(concerns_one_connection(&io::ErrorKind::ConnectionAborted.into()));
    }
}
