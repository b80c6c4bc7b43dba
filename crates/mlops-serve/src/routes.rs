pub(crate) mod admin;
pub(crate) mod docs;
pub(crate) mod drift;
pub(crate) mod feedback;
pub(crate) mod health;
pub(crate) mod invocations;
pub(crate) mod open_inference;
pub(crate) mod original;
pub(crate) mod predict;
pub(crate) mod problems;

/// A path that the service answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// What generated clients call it.
    pub(crate) id: &'static str,
    pub(crate) operation: Operation,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The statuses of its answers.
    pub(crate) statuses: &'static [u16],
    /// What it is for.
    pub(crate) summary: &'static str,
}

/// What a path does; several may do the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    Predict,
    PredictWithModel,
    Feedback,
    Drift,
    Invoke,
    Version,
    ServerMetadata,
    ServerLive,
    ServerReady,
    ModelMetadata,
    ModelReady,
    Infer,
    Page,
    PageFile,
    Document,
    Alive,
    Ready,
    Metrics,
    Reload,
}

const PREDICTION: &[u16] = &[200, 400, 401, 408, 413, 415, 422, 500, 503, 504];
/// The same where a path names the model.
const NAMED_PREDICTION: &[u16] = &[200, 400, 401, 404, 408, 413, 415, 422, 500, 503, 504];
/// For the protocols of others, rows that do not fit are one more bad request.
const INVOCATIONS: &[u16] = &[200, 400, 401, 408, 413, 415, 500, 503, 504];
const INFERENCE: &[u16] = &[200, 400, 401, 404, 408, 413, 415, 500, 503, 504];

const FEEDBACK: &[u16] = &[202, 400, 401, 408, 413, 415, 422, 501, 503, 504];
const DRIFT: &[u16] = &[200, 401];
const RELOAD: &[u16] = &[200, 409, 500];
const OK: &[u16] = &[200];
const METRICS: &[u16] = &[200, 500];
const NAMED: &[u16] = &[200, 404];
const READINESS: &[u16] = &[200, 503];
const NAMED_READINESS: &[u16] = &[200, 404, 503];

/// All paths; the router, the metrics and the document have no others.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "predict",
        operation: Operation::Predict,
        method: "POST",
        path: "/predict",
        statuses: PREDICTION,
        summary: "predictions, drift and outliers for an array of records, by the first model",
    },
    Route {
        id: "predict_with_model",
        operation: Operation::PredictWithModel,
        method: "POST",
        path: "/v1/models/{name}/predict",
        statuses: NAMED_PREDICTION,
        summary: "all that a model and its detectors say about records",
    },
    Route {
        id: "record_feedback",
        operation: Operation::Feedback,
        method: "POST",
        path: "/v1/feedback",
        statuses: FEEDBACK,
        summary: "labels of rows that were predicted",
    },
    Route {
        id: "drift",
        operation: Operation::Drift,
        method: "GET",
        path: "/v1/drift",
        statuses: DRIFT,
        summary: "what the drift monitors of the models have found",
    },
    Route {
        id: "invoke",
        operation: Operation::Invoke,
        method: "POST",
        path: "/invocations",
        statuses: INVOCATIONS,
        summary: "MLflow's scoring protocol, by the first model",
    },
    Route {
        id: "ping",
        operation: Operation::Ready,
        method: "GET",
        path: "/ping",
        statuses: READINESS,
        summary: "as /readyz, for MLflow's clients",
    },
    Route {
        id: "health",
        operation: Operation::Ready,
        method: "GET",
        path: "/health",
        statuses: READINESS,
        summary: "as /readyz, for MLflow's clients",
    },
    Route {
        id: "version",
        operation: Operation::Version,
        method: "GET",
        path: "/version",
        statuses: OK,
        summary: "the version of the server",
    },
    Route {
        id: "server_metadata",
        operation: Operation::ServerMetadata,
        method: "GET",
        path: "/v2",
        statuses: OK,
        summary: "what the server is",
    },
    Route {
        id: "server_live",
        operation: Operation::ServerLive,
        method: "GET",
        path: "/v2/health/live",
        statuses: OK,
        summary: "whether the process lives",
    },
    Route {
        id: "server_ready",
        operation: Operation::ServerReady,
        method: "GET",
        path: "/v2/health/ready",
        statuses: READINESS,
        summary: "whether the service takes requests",
    },
    Route {
        id: "model_metadata",
        operation: Operation::ModelMetadata,
        method: "GET",
        path: "/v2/models/{name}",
        statuses: NAMED,
        summary: "what a model takes and gives",
    },
    Route {
        id: "version_metadata",
        operation: Operation::ModelMetadata,
        method: "GET",
        path: "/v2/models/{name}/versions/{version}",
        statuses: NAMED,
        summary: "what a version of a model takes and gives",
    },
    Route {
        id: "model_ready",
        operation: Operation::ModelReady,
        method: "GET",
        path: "/v2/models/{name}/ready",
        statuses: NAMED_READINESS,
        summary: "whether a model answers",
    },
    Route {
        id: "version_ready",
        operation: Operation::ModelReady,
        method: "GET",
        path: "/v2/models/{name}/versions/{version}/ready",
        statuses: NAMED_READINESS,
        summary: "whether a version of a model answers",
    },
    Route {
        id: "infer",
        operation: Operation::Infer,
        method: "POST",
        path: "/v2/models/{name}/infer",
        statuses: INFERENCE,
        summary: "predictions of a model: tensors in, tensors out",
    },
    Route {
        id: "infer_with_version",
        operation: Operation::Infer,
        method: "POST",
        path: "/v2/models/{name}/versions/{version}/infer",
        statuses: INFERENCE,
        summary: "predictions of a version of a model: tensors in, tensors out",
    },
    Route {
        id: "page",
        operation: Operation::Page,
        method: "GET",
        path: "/",
        statuses: OK,
        summary: "this document, for people",
    },
    Route {
        id: "page_file",
        operation: Operation::PageFile,
        method: "GET",
        path: "/docs/{file}",
        statuses: NAMED,
        summary: "a file of the page for people",
    },
    Route {
        id: "document",
        operation: Operation::Document,
        method: "GET",
        path: "/docs.json",
        statuses: OK,
        summary: "this document",
    },
    Route {
        id: "healthz",
        operation: Operation::Alive,
        method: "GET",
        path: "/healthz",
        statuses: OK,
        summary: "whether the process lives",
    },
    Route {
        id: "livez",
        operation: Operation::Alive,
        method: "GET",
        path: "/livez",
        statuses: OK,
        summary: "whether the process lives",
    },
    Route {
        id: "readyz",
        operation: Operation::Ready,
        method: "GET",
        path: "/readyz",
        statuses: READINESS,
        summary: "whether the service takes requests",
    },
    Route {
        id: "metrics",
        operation: Operation::Metrics,
        method: "GET",
        path: "/metrics",
        statuses: METRICS,
        summary: "counters in the OpenMetrics text format",
    },
    Route {
        id: "reload",
        operation: Operation::Reload,
        method: "POST",
        path: "/admin/reload",
        statuses: RELOAD,
        summary: "looks for new versions of models",
    },
];

/// Whether a path is answered when a service is at its limits: health and metrics.
pub(crate) fn is_vital(path: &str) -> bool {
    let vital = [
        Operation::Alive,
        Operation::Ready,
        Operation::ServerLive,
        Operation::ServerReady,
        Operation::Metrics,
    ];
    ROUTES.iter().any(|route| route.path == path && vital.contains(&route.operation))
}

/// The path of the table that a request went to, and its method as a label; `none` for others: a path as the client
/// wrote it would let clients make as many series as they like.
pub(crate) fn label(path: Option<&str>, method: &str) -> (&'static str, &'static str) {
    let methods = ["POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = methods.into_iter().find(|known| *known == method).unwrap_or("_OTHER");
    let route = ROUTES.iter().find(|route| Some(route.path) == path);
    (method, route.map_or("none", |route| route.path))
}
