use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use mlops_core::Schema;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::Detector;
use crate::response::{Answer, Outliers, Part};

/// What the service counts, for Prometheus.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<EndpointLabels, Histogram, fn() -> Histogram>,
    rows: Counter,
    outlier_rows: Counter,
    // One counter per feature, in schema order.
    drifted: Vec<Counter>,
    monitoring_failures: Family<DetectorLabels, Counter>,
    /// Requests that the model failed on, by an error or by a panic.
    pub(crate) model_failures: Counter,
    /// Log lines that found no room in the queue or could not be written.
    pub(crate) log_lines_dropped: Counter,
    /// Connections that the operating system could not hand over.
    pub(crate) accept_failures: Counter,
}

impl Metrics {
    pub(crate) fn new(service_name: &str, schema: &Schema, detectors: &[Detector]) -> Self {
        let drifted = Family::<FeatureLabels, Counter>::default();
        let counter_of =
            |name: &str| drifted.get_or_create_owned(&FeatureLabels { feature: name.to_owned() });
        let metrics = Self {
            registry: Registry::with_prefix("mlops"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            rows: Counter::default(),
            outlier_rows: Counter::default(),
            drifted: schema.names().map(counter_of).collect(),
            monitoring_failures: Family::default(),
            model_failures: Counter::default(),
            log_lines_dropped: Counter::default(),
            accept_failures: Counter::default(),
        };
        for &detector in detectors {
            // A counter that stands at 0 from the start shows its first increase.
            metrics.monitoring_failures.get_or_create_owned(&DetectorLabels { detector });
        }
        metrics.register(drifted, service_name, schema.len())
    }

    fn register(
        mut self,
        drifted: Family<FeatureLabels, Counter>,
        service_name: &str,
        n_features: usize,
    ) -> Self {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of mlops-serve", build);
        let model = [("service", service_name.to_owned()), ("features", n_features.to_string())];
        registry.register("model", "The service and its model", Info::new(model));
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "From a request's headers to its response",
            Unit::Seconds,
            self.durations.clone(),
        );
        let failures = self.monitoring_failures.clone();
        for (name, help, counter) in [
            ("rows", "Rows predicted", &self.rows),
            ("outlier_rows", "Rows that the outlier detector flagged", &self.outlier_rows),
            ("model_failures", "Requests that the model failed on", &self.model_failures),
            (
                "log_lines_dropped",
                "Log lines that found no room or could not be written",
                &self.log_lines_dropped,
            ),
            ("accept_failures", "Connections not accepted", &self.accept_failures),
        ] {
            registry.register(name, help, counter.clone());
        }
        registry.register("drift_flags", "Requests with a p-value below the threshold", drifted);
        registry.register("monitoring_failures", "Requests that a detector failed on", failures);
        self
    }

    pub(crate) fn observe_request(&self, endpoint: &str, status: StatusCode, duration: Duration) {
        let labels = RequestLabels { endpoint: endpoint.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        let labels = EndpointLabels { endpoint: labels.endpoint };
        self.durations.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    pub(crate) fn observe_answer(&self, answer: &Answer) {
        self.rows.inc_by(answer.predictions.0.len() as u64);
        match &answer.monitoring.drift {
            None => {}
            Some(Part::Unavailable) => self.count_monitoring_failure(Detector::Drift),
            Some(Part::Available(report)) => {
                for (counter, drift) in self.drifted.iter().zip(report.is_below_alpha()) {
                    counter.inc_by(u64::from(drift == Some(true)));
                }
            }
        }
        match &answer.monitoring.outliers {
            None => {}
            Some(Part::Unavailable) => self.count_monitoring_failure(Detector::Outliers),
            Some(Part::Available(Outliers { report, .. })) => {
                let flagged = report.is_outlier().filter(|&outlier| outlier).count();
                self.outlier_rows.inc_by(flagged as u64);
            }
        }
    }

    fn count_monitoring_failure(&self, detector: Detector) {
        self.monitoring_failures.get_or_create(&DetectorLabels { detector }).inc();
    }

    /// All metrics in the OpenMetrics text format.
    pub(crate) fn encode(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    endpoint: String,
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct EndpointLabels {
    endpoint: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct FeatureLabels {
    feature: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct DetectorLabels {
    detector: Detector,
}

impl EncodeLabelValue for Detector {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let name = match self {
            Self::Drift => "drift",
            Self::Outliers => "outliers",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}

/// In seconds: from a health check to a batch of 10,000 rows on a slow body.
const DURATION_BUCKETS: [f64; 13] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

#[cfg(test)]
mod tests {
    use mlops_core::{DriftReport, DriftTest, FeatureDrift, OutlierReport, PValueMethod};

    use super::*;
    use crate::response::{Monitoring, Predictions};
    use crate::testing::schema;

    #[test]
    fn what_is_observed_stands_on_the_page() {
        let metrics = Metrics::new("Wine \"Quality\"", &schema(), &[Detector::Drift]);
        let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
        let drift = DriftReport::new(
            0.05,
            vec![
                FeatureDrift::tested("alcohol", test, 0.9, 0.01, method),
                FeatureDrift::tested("is_red", test, 0.1, 0.9, method),
            ],
        );
        let answer = |drift| Answer {
            predictions: Predictions(vec![true, false, true]),
            monitoring: Monitoring {
                drift: Some(drift),
                outliers: Some(Part::Available(Outliers {
                    report: OutlierReport::new(0.0, vec![1.0, 2.0, -1.0]),
                    row_names: None,
                })),
            },
        };
        metrics.observe_answer(&answer(Part::Available(drift)));
        metrics.observe_answer(&answer(Part::Unavailable));
        metrics.observe_request("/predict", StatusCode::OK, Duration::from_micros(200));
        metrics.log_lines_dropped.inc_by(3);

        let page = metrics.encode().unwrap();
        let version = format!("mlops_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        for line in [
            version.as_str(),
            r#"mlops_model_info{service="Wine \"Quality\"",features="2"} 1"#,
            r#"mlops_requests_total{endpoint="/predict",status="200"} 1"#,
            r#"mlops_request_duration_seconds_bucket{le="0.0001",endpoint="/predict"} 0"#,
            r#"mlops_request_duration_seconds_bucket{le="0.00025",endpoint="/predict"} 1"#,
            r#"mlops_request_duration_seconds_count{endpoint="/predict"} 1"#,
            "mlops_rows_total 6",
            "mlops_outlier_rows_total 4",
            r#"mlops_drift_flags_total{feature="alcohol"} 1"#,
            r#"mlops_drift_flags_total{feature="is_red"} 0"#,
            r#"mlops_monitoring_failures_total{detector="drift"} 1"#,
            "mlops_model_failures_total 0",
            "mlops_log_lines_dropped_total 3",
            "mlops_accept_failures_total 0",
            "# EOF",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
