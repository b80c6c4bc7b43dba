use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower::Service as _;

use crate::Service;
use crate::request::Surplus;
use crate::timed_stream::{TimedStream, Times, Turn};

/// Turns streams into connections of HTTP.
#[derive(Clone)]
pub(super) struct Connections {
    service: Service,
    router: Router,
    http: Arc<http1::Builder>,
    times: Times,
    #[cfg(feature = "tls")]
    tls: Option<super::TlsConfig>,
}

impl Connections {
    pub(super) fn new(service: &Service, router: Router) -> Self {
        let limits = service.limits();
        let mut http = http1::Builder::new();
        // The stream has the deadlines.
        http.max_headers(64).max_buf_size(64 << 10).header_read_timeout(None);
        let times =
            Times { header: limits.header_time, idle: limits.idle_time, write: limits.write_time };
        Self {
            service: service.clone(),
            router,
            http: Arc::new(http),
            times,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(self, tls: Option<super::TlsConfig>) -> Self {
        Self { tls, ..self }
    }

    /// Serves a connection to its end; one that is in surplus has one answer, which is no prediction.
    pub(super) async fn serve(self, stream: TcpStream, is_surplus: bool, watcher: Watcher) {
        let turn = Turn::default();
        let stream = TimedStream::new(stream, self.times, turn.clone());
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            // A client that does not get through the handshake has gone, one way or another.
            if let Ok(stream) = tls.accept(stream).await {
                self.serve_stream(stream, turn, is_surplus, watcher).await;
            }
            return;
        }
        self.serve_stream(stream, turn, is_surplus, watcher).await;
    }

    async fn serve_stream(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        turn: Turn,
        is_surplus: bool,
        watcher: Watcher,
    ) {
        let (router, stopping) = (self.router.clone(), self.service.clone());
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            turn.begin();
            if is_surplus {
                request.extensions_mut().insert(Surplus);
            }
            let answer = router.clone().call(request.map(Body::new));
            let (turn, stopping) = (turn.clone(), stopping.clone());
            async move {
                let mut response: Response<Body> = answer.await?;
                // A client that is told so sends its next request elsewhere, and not into a closing connection.
                if is_surplus || stopping.is_stopping() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                turn.end();
                Ok::<_, Infallible>(response)
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        // What goes wrong with a connection is between hyper and the client, which has been told.
        let _ = watcher.watch(connection).await;
    }
}
