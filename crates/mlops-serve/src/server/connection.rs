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
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tower::Service as _;

use crate::Service;
use crate::request::Surplus;
use crate::timed_stream::{TimedStream, Times, Turn};

/// Turns streams into connections of HTTP.
#[derive(Clone)]
pub(super) struct Connections {
    router: Router,
    http: Arc<http1::Builder>,
    times: Times,
}

impl Connections {
    pub(super) fn new(service: &Service) -> Self {
        let limits = service.limits();
        let mut http = http1::Builder::new();
        http.max_headers(64).max_buf_size(64 << 10).header_read_timeout(None);
        let times =
            Times { header: limits.header_time, idle: limits.idle_time, write: limits.write_time };
        Self { router: service.router(), http: Arc::new(http), times }
    }

    /// A connection that answers requests; one that is in surplus answers one, and predicts nothing.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        is_surplus: bool,
    ) -> impl GracefulConnection<Error = hyper::Error> + Send + use<> {
        let turn = Turn::default();
        let stream = TimedStream::new(stream, self.times, turn.clone());
        let router = self.router.clone();
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            turn.begin();
            if is_surplus {
                request.extensions_mut().insert(Surplus);
            }
            let answer = router.clone().call(request.map(Body::new));
            let turn = turn.clone();
            async move {
                let mut response: Response<Body> = answer.await?;
                if is_surplus {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                turn.end();
                Ok::<_, Infallible>(response)
            }
        });
        self.http.serve_connection(TokioIo::new(stream), service)
    }
}
