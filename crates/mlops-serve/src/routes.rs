pub(crate) mod admin;
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
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The statuses of its answers.
    pub(crate) statuses: &'static [u16],
    /// What it is for.
    pub(crate) summary: &'static str,
}

/// What can be said of a prediction.
const PREDICTION: &[u16] = &[200, 400, 401, 408, 413, 415, 422, 500, 503, 504];
/// The same where a path names the model.
const NAMED_PREDICTION: &[u16] = &[200, 400, 401, 404, 408, 413, 415, 422, 500, 503, 504];

const FEEDBACK: &[u16] = &[202, 400, 401, 408, 413, 415, 422, 501, 503];
const RELOAD: &[u16] = &[200, 409];
const OK: &[u16] = &[200];
const NAMED: &[u16] = &[200, 404];
const READINESS: &[u16] = &[200, 503];
const NAMED_READINESS: &[u16] = &[200, 404, 503];

/// All paths; the router, the metrics and the document have no others.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: "/predict",
        statuses: PREDICTION,
        summary: "predictions, drift and outliers for an array of records",
    },
    Route {
        method: "POST",
        path: "/v1/models/{name}/predict",
        statuses: NAMED_PREDICTION,
        summary: "the same by a named model, with probabilities and contributions",
    },
    Route {
        method: "POST",
        path: "/v1/feedback",
        statuses: FEEDBACK,
        summary: "labels of rows that were predicted",
    },
    Route {
        method: "POST",
        path: "/invocations",
        statuses: PREDICTION,
        summary: "MLflow's scoring protocol",
    },
    Route {
        method: "GET",
        path: "/ping",
        statuses: READINESS,
        summary: "as /readyz, for MLflow's clients",
    },
    Route { method: "GET", path: "/health", statuses: READINESS, summary: "the same" },
    Route { method: "GET", path: "/version", statuses: OK, summary: "the version of the server" },
    Route {
        method: "GET",
        path: "/v2",
        statuses: OK,
        summary: "Open Inference Protocol: the server",
    },
    Route { method: "GET", path: "/v2/health/live", statuses: OK, summary: "the process lives" },
    Route {
        method: "GET",
        path: "/v2/health/ready",
        statuses: READINESS,
        summary: "the service takes requests",
    },
    Route {
        method: "GET",
        path: "/v2/models/{name}",
        statuses: NAMED,
        summary: "what a model takes and gives",
    },
    Route {
        method: "GET",
        path: "/v2/models/{name}/versions/{version}",
        statuses: NAMED,
        summary: "the same of a version",
    },
    Route {
        method: "GET",
        path: "/v2/models/{name}/ready",
        statuses: NAMED_READINESS,
        summary: "a model answers",
    },
    Route {
        method: "GET",
        path: "/v2/models/{name}/versions/{version}/ready",
        statuses: NAMED_READINESS,
        summary: "a version answers",
    },
    Route {
        method: "POST",
        path: "/v2/models/{name}/infer",
        statuses: NAMED_PREDICTION,
        summary: "tensors in, tensors out",
    },
    Route {
        method: "POST",
        path: "/v2/models/{name}/versions/{version}/infer",
        statuses: NAMED_PREDICTION,
        summary: "the same by a version",
    },
    Route { method: "GET", path: "/", statuses: OK, summary: "this list" },
    Route { method: "GET", path: "/healthz", statuses: OK, summary: "the process lives" },
    Route { method: "GET", path: "/livez", statuses: OK, summary: "the same" },
    Route {
        method: "GET",
        path: "/readyz",
        statuses: READINESS,
        summary: "the service takes requests",
    },
    Route {
        method: "GET",
        path: "/metrics",
        statuses: OK,
        summary: "counters in the OpenMetrics text format",
    },
    Route {
        method: "POST",
        path: "/admin/reload",
        statuses: RELOAD,
        summary: "looks for new versions of models",
    },
];

/// The path of the table that a request went to, and its method as a label; `none` for others: a path as the client
/// wrote it would let clients make as many series as they like.
pub(crate) fn label(path: Option<&str>, method: &str) -> (&'static str, &'static str) {
    let methods = ["POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = methods.into_iter().find(|known| *known == method).unwrap_or("_OTHER");
    let route = ROUTES.iter().find(|route| Some(route.path) == path);
    (method, route.map_or("none", |route| route.path))
}
