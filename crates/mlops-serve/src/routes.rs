pub(crate) mod health;
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
const PREDICTION: &[u16] = &[200, 400, 408, 413, 415, 422, 500, 503, 504];
/// The same where a path names the model.
const NAMED_PREDICTION: &[u16] = &[200, 400, 404, 408, 413, 415, 422, 500, 503, 504];

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
        summary: "the same by a named model, with probabilities and, if asked, contributions",
    },
    Route { method: "GET", path: "/", statuses: &[200], summary: "this list" },
    Route { method: "GET", path: "/healthz", statuses: &[200], summary: "the process lives" },
    Route { method: "GET", path: "/livez", statuses: &[200], summary: "the same" },
    Route {
        method: "GET",
        path: "/readyz",
        statuses: &[200, 503],
        summary: "the service takes requests",
    },
    Route {
        method: "GET",
        path: "/metrics",
        statuses: &[200],
        summary: "counters in the OpenMetrics text format",
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
