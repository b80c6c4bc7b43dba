use std::time::{Instant, SystemTime};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use prometheus_client::metrics::gauge::Gauge;
use tracing::Instrument;

use crate::Service;
use crate::metrics::Shed;
use crate::problem::Problem;
use crate::request::{Context, Surplus};
use crate::routes::{
    admin, docs, drift, feedback, health, invocations, is_vital, label, open_inference, original,
    predict, problems,
};
use crate::trace_context::trace_id;

/// Which paths a port has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Paths {
    /// Those of clients, and the metrics.
    All,
    /// Those of clients.
    Public,
    /// Metrics, health and administration.
    Admin,
}

pub(crate) fn router(service: Service, paths: Paths) -> Router {
    let router = match paths {
        Paths::All => public().route("/metrics", get(health::metrics)),
        Paths::Public => public(),
        Paths::Admin => Router::new()
            .route("/metrics", get(health::metrics))
            .route("/admin/reload", post(admin::reload)),
    };
    router
        .route("/healthz", get(health::alive))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(problems::not_found)
        .method_not_allowed_fallback(problems::method_not_allowed)
        .layer(from_fn_with_state(service.clone(), observe))
        .with_state(service)
}

fn public() -> Router<Service> {
    Router::new()
        .route("/", get(docs::page))
        .route("/docs/{file}", get(docs::file))
        .route("/docs.json", get(docs::document))
        .route("/predict", post(original::predict))
        .route("/v1/models/{name}/predict", post(predict::predict))
        .route("/v1/feedback", post(feedback::feedback))
        .route("/v1/drift", get(drift::drift))
        .route("/invocations", post(invocations::invoke))
        .route("/ping", get(health::ready))
        .route("/health", get(health::ready))
        .route("/version", get(invocations::version))
        .route("/v2", get(open_inference::server))
        .route("/v2/health/live", get(open_inference::live))
        .route("/v2/health/ready", get(open_inference::ready))
        .route("/v2/models/{name}", get(open_inference::metadata))
        .route("/v2/models/{name}/versions/{version}", get(open_inference::metadata))
        .route("/v2/models/{name}/ready", get(open_inference::model_ready))
        .route("/v2/models/{name}/versions/{version}/ready", get(open_inference::model_ready))
        .route("/v2/models/{name}/infer", post(open_inference::infer))
        .route("/v2/models/{name}/versions/{version}/infer", post(open_inference::infer))
}

/// Names every request, and counts it by path and status.
async fn observe(
    State(service): State<Service>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let context = Context {
        id: service.next_request_id(),
        time: SystemTime::now(),
        received: Instant::now(),
        trace_id: trace_id(request.headers()).map(str::to_owned),
    };
    let (id, received) = (context.id, context.received);
    let (method, route) = label(path.as_ref().map(MatchedPath::as_str), request.method().as_str());
    let span = tracing::info_span!(
        "request",
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        request_id = %id,
        trace_id = context.trace_id,
    );
    request.extensions_mut().insert(context);
    let active = Active::new(&service.metrics().active_requests);
    // On a connection above the limit, health and metrics alone are answered.
    let is_shed = request.extensions().get::<Surplus>().is_some() && !is_vital(route);
    let mut response = if is_shed {
        service.metrics().count_shed(Shed::Connections);
        Problem::Overloaded.into_response(id)
    } else {
        next.run(request).instrument(span.clone()).await
    };
    drop(active);
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert("x-request-id", value);
    }
    span.record("http.response.status_code", response.status().as_u16());
    service.metrics().observe_request(method, route, response.status(), received.elapsed());
    response
}

/// Counts a request as active, until it is answered or its client has gone.
struct Active(Gauge);

impl Active {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
