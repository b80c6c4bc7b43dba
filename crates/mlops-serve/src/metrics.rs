mod labels;
mod model;
mod monitor;
mod telemetry;

use std::fmt;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use mlops_core::{Violation, ViolationCode};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::model::Model;
use crate::recorder::Recorder;
use crate::routes::Route;

use labels::{CodeLabels, HttpLabels, OutcomeLabels, ReasonLabels, StageLabels};
use model::ModelFamilies;
pub(crate) use model::ModelMetrics;
pub(crate) use monitor::MonitorMetrics;

/// What the service counts, for Prometheus.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    durations: Family<HttpLabels, Histogram, fn() -> Histogram>,
    pub(crate) active_requests: Gauge,
    pub(crate) body_bytes: Histogram,
    stages: Stages,
    batch_rows: Histogram,
    models: ModelFamilies,
    violations: Family<CodeLabels, Counter>,
    shed: Family<ReasonLabels, Counter>,
    swaps: Family<OutcomeLabels, Counter>,
    /// Connections that the operating system could not hand over.
    pub(crate) accept_failures: Counter,
}

/// A part of the work on a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    Parse,
    Predict,
    Drift,
    Outliers,
    Encode,
}

/// The durations of the stages, in the order of their declaration.
pub(crate) type Stages = [Histogram; 5];

/// Why a request was turned away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shed {
    /// Too many requests are being worked on.
    InFlight,
    /// Too many connections are open.
    Connections,
}

impl Metrics {
    pub(crate) fn new(service_name: &str, routes: &[Route], records: &Recorder) -> Self {
        let stages: Family<StageLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS));
        let stage = |stage| stages.get_or_create_owned(&StageLabels { stage });
        let metrics = Self {
            registry: Registry::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            active_requests: Gauge::default(),
            body_bytes: Histogram::new(SIZE_BUCKETS),
            stages: ["parse", "predict", "drift", "outliers", "encode"].map(stage),
            batch_rows: Histogram::new(ROW_BUCKETS),
            models: ModelFamilies::default(),
            violations: Family::default(),
            shed: Family::default(),
            swaps: Family::default(),
            accept_failures: Counter::default(),
        };
        // A series that stands at 0 from the start shows its first increase.
        for route in routes {
            for &status in route.statuses {
                let labels = http_labels(route.method, route.path, status);
                metrics.durations.get_or_create_owned(&labels);
            }
        }
        for code in ViolationCode::ALL {
            metrics.violations.get_or_create_owned(&CodeLabels { code: code.as_str() });
        }
        for reason in ["in_flight", "connections"] {
            metrics.shed.get_or_create_owned(&ReasonLabels { reason });
        }
        for outcome in ["swapped", "refused", "failed"] {
            metrics.swaps.get_or_create_owned(&OutcomeLabels { outcome });
        }
        metrics.register(service_name, stages, records)
    }

    fn register(
        mut self,
        service_name: &str,
        stages: Family<StageLabels, Histogram, fn() -> Histogram>,
        records: &Recorder,
    ) -> Self {
        let http = self.registry.sub_registry_with_prefix("http_server");
        http.register_with_unit(
            "request_duration",
            "From a request's headers to its response",
            Unit::Seconds,
            self.durations.clone(),
        );
        http.register("active_requests", "Requests being worked on", self.active_requests.clone());
        http.register_with_unit(
            "request_body_size",
            "Sizes of request bodies",
            Unit::Bytes,
            self.body_bytes.clone(),
        );
        let registry = self.registry.sub_registry_with_prefix("mlops");
        let build = [("version", env!("CARGO_PKG_VERSION")), ("service", service_name)];
        let build = build.map(|(name, value)| (name.to_owned(), value.to_owned()));
        registry.register("build", "The service and the version of mlops-serve", Info::new(build));
        registry.register_with_unit(
            "stage_duration",
            "Parts of the work on a request",
            Unit::Seconds,
            stages,
        );
        registry.register("batch_rows", "Rows of a request", self.batch_rows.clone());
        self.models.register(registry);
        let (violations, shed) = (self.violations.clone(), self.shed.clone());
        registry.register("validation_errors", "Places of bodies that did not fit", violations);
        registry.register("requests_shed", "Requests turned away for lack of room", shed);
        registry.register(
            "model_swaps",
            "New versions put in place or refused",
            self.swaps.clone(),
        );
        let accept_failures = self.accept_failures.clone();
        registry.register("accept_failures", "Connections not accepted", accept_failures);
        registry.register_collector(Box::new(telemetry::Collector(records.clone())));
        self
    }

    /// The counters of a version of a model, all of which stand on the page from now on.
    pub(crate) fn of_model(&self, model: &Model) -> ModelMetrics {
        self.models.of(model, self.stages.clone(), self.batch_rows.clone())
    }

    pub(crate) fn observe_request(
        &self,
        method: &'static str,
        route: &'static str,
        status: StatusCode,
        duration: Duration,
    ) {
        let labels = http_labels(method, route, status.as_u16());
        self.durations.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    pub(crate) fn observe_violations(&self, violations: &[Violation]) {
        for violation in violations {
            let labels = CodeLabels { code: violation.code.as_str() };
            self.violations.get_or_create(&labels).inc();
        }
    }

    pub(crate) fn count_shed(&self, shed: Shed) {
        let reason = match shed {
            Shed::InFlight => "in_flight",
            Shed::Connections => "connections",
        };
        self.shed.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(crate) fn count_swap(&self, is_swapped: bool) {
        let outcome = if is_swapped { "swapped" } else { "refused" };
        self.swaps.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Counts a new version that could not be had.
    pub(crate) fn count_failed_swap(&self) {
        self.swaps.get_or_create(&OutcomeLabels { outcome: "failed" }).inc();
    }

    /// All metrics in the OpenMetrics text format.
    pub(crate) fn encode(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

fn http_labels(method: &'static str, route: &'static str, status: u16) -> HttpLabels {
    HttpLabels { http_request_method: method, http_route: route, http_response_status_code: status }
}

/// Notes how long a stage took that began at `started`.
fn observe_stage(stages: &Stages, stage: Stage, started: Instant) {
    stages[stage as usize].observe(started.elapsed().as_secs_f64());
}

/// In seconds: from a stage of a microsecond to a batch of 10,000 rows on a slow body.
const DURATION_BUCKETS: [f64; 17] = [
    0.000_005, 0.000_02, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];
/// In bytes: from one row to the largest body.
const SIZE_BUCKETS: [f64; 8] = [256.0, 1e3, 4e3, 1.6e4, 6.4e4, 2.56e5, 1e6, 4e6];
const ROW_BUCKETS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 2e3, 1e4];
