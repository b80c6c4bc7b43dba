use mlops_core::Feature;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{MonitorFeatureLabels, MonitorLabels, MonitorRowsLabels};
use crate::model::Model;
use crate::monitor::Monitor;

/// What is counted by drift monitor, for all models.
#[derive(Debug, Default)]
pub(super) struct MonitorFamilies {
    rows: Family<MonitorRowsLabels, Counter>,
    alarms: Family<MonitorLabels, Counter>,
    drift: Family<MonitorFeatureLabels, Gauge>,
}

impl MonitorFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("monitor_rows", "Rows for drift monitors", self.rows.clone());
        registry.register("monitor_alarms", "Alarms of drift monitors", self.alarms.clone());
        let help = "Whether a feature had drifted in the last window: 1";
        registry.register("monitor_drift", help, self.drift.clone());
    }

    /// The counters of a model's monitors, in their order.
    pub(super) fn of(&self, model: &Model) -> Vec<MonitorMetrics> {
        let features = model.schema().features();
        let monitors = model.monitors.iter();
        monitors.map(|monitor| self.of_monitor(model.name(), features, monitor)).collect()
    }

    fn of_monitor(&self, model: &str, features: &[Feature], monitor: &Monitor) -> MonitorMetrics {
        let (model, monitor) = (model.to_owned(), monitor.name.clone());
        let rows = |outcome| {
            let (model, monitor) = (model.clone(), monitor.clone());
            self.rows.get_or_create_owned(&MonitorRowsLabels { model, monitor, outcome })
        };
        let drift = |feature: &Feature| {
            let (model, monitor) = (model.clone(), monitor.clone());
            let feature = feature.name().to_owned();
            self.drift.get_or_create_owned(&MonitorFeatureLabels { model, monitor, feature })
        };
        MonitorMetrics {
            observed: rows("observed"),
            dropped: rows("dropped"),
            failed: rows("failed"),
            drift: features.iter().map(drift).collect(),
            alarms: self.alarms.get_or_create_owned(&MonitorLabels { model, monitor }),
        }
    }
}

/// The counters of a drift monitor.
#[derive(Debug)]
pub(crate) struct MonitorMetrics {
    /// Rows that the monitor has seen, for which there was no room, or that it failed on; after a panic all that come.
    pub(crate) observed: Counter,
    pub(crate) dropped: Counter,
    pub(crate) failed: Counter,
    pub(crate) alarms: Counter,
    // One per feature, in schema order.
    drift: Vec<Gauge>,
}

impl MonitorMetrics {
    /// The feature in this column has drifted in the last window, or has not.
    pub(crate) fn set_drift(&self, column: usize, is_drift: bool) {
        self.drift[column].set(i64::from(is_drift));
    }

    /// There is no last window.
    pub(crate) fn forget_drift(&self) {
        for gauge in &self.drift {
            gauge.set(0);
        }
    }
}
