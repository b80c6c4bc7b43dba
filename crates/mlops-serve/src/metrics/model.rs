use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mlops_core::{Feature, Range, Records};
use mlops_telemetry::{Monitoring, Part, Predictions};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{
    ClassLabels, DetectorLabels, FeatureLabels, InfoLabels, ShadowLabels, VersionLabels,
};
use super::monitor::{MonitorFamilies, MonitorMetrics};
use super::{Stage, Stages, observe_stage};
use crate::model::Model;

/// What is counted by model, for all models.
#[derive(Debug)]
pub(super) struct ModelFamilies {
    info: Family<InfoLabels, Gauge>,
    predictions: Family<ClassLabels, Counter>,
    probabilities: Family<VersionLabels, Histogram, fn() -> Histogram>,
    outliers: Family<VersionLabels, Counter>,
    failures: Family<VersionLabels, Counter>,
    drift_flags: Family<FeatureLabels, Counter>,
    missing: Family<FeatureLabels, Counter>,
    out_of_range: Family<FeatureLabels, Counter>,
    monitoring_failures: Family<DetectorLabels, Counter>,
    shadow_rows: Family<ShadowLabels, Counter>,
    monitors: MonitorFamilies,
}

impl Default for ModelFamilies {
    fn default() -> Self {
        let tenths = || Histogram::new((1..=10_u8).map(|tenth| f64::from(tenth) / 10.0));
        Self {
            info: Family::default(),
            predictions: Family::default(),
            probabilities: Family::new_with_constructor(tenths),
            outliers: Family::default(),
            failures: Family::default(),
            drift_flags: Family::default(),
            missing: Family::default(),
            out_of_range: Family::default(),
            monitoring_failures: Family::default(),
            shadow_rows: Family::default(),
            monitors: MonitorFamilies::default(),
        }
    }
}

impl ModelFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("model_info", "The versions that answer: 1", self.info.clone());
        let predictions = self.predictions.clone();
        registry.register("predictions", "Rows predicted, by class", predictions);
        let probabilities = self.probabilities.clone();
        registry.register("prediction_probability", "Of the positive class", probabilities);
        for (name, help, family) in [
            ("outliers", "Rows that the outlier detector flagged", &self.outliers),
            ("model_failures", "Requests that the model failed on", &self.failures),
        ] {
            registry.register(name, help, family.clone());
        }
        for (name, help, family) in [
            ("drift_flags", "Requests with a p-value below the threshold", &self.drift_flags),
            ("feature_missing", "Values that were missing", &self.missing),
            ("feature_out_of_range", "Values outside of the training range", &self.out_of_range),
        ] {
            registry.register(name, help, family.clone());
        }
        let failures = self.monitoring_failures.clone();
        registry.register("monitoring_failures", "Requests that a detector failed on", failures);
        let shadow_rows = self.shadow_rows.clone();
        registry.register("shadow_rows", "Rows that a challenger scored, too", shadow_rows);
        self.monitors.register(registry);
    }

    pub(super) fn of(&self, model: &Model, stages: Stages, batch_rows: Histogram) -> ModelMetrics {
        let name = model.name().to_owned();
        let version = model.version.version.clone().unwrap_or_default();
        let labels = VersionLabels { model: name.clone(), version: version.clone() };
        let features = model.schema().features();
        let by_feature = |family: &Family<FeatureLabels, Counter>| {
            let labels =
                |feature: &str| FeatureLabels { model: name.clone(), feature: feature.to_owned() };
            let counter = |name| family.get_or_create_owned(&labels(name));
            features.iter().map(|feature| counter(feature.name())).collect::<Vec<_>>()
        };
        let detector = |detector| {
            let labels = DetectorLabels { model: name.clone(), detector };
            self.monitoring_failures.get_or_create_owned(&labels)
        };
        let shadow = |outcome| {
            let labels = ShadowLabels { model: name.clone(), outcome };
            self.shadow_rows.get_or_create_owned(&labels)
        };
        let class = |class: &str| {
            let (model, version) = (name.clone(), version.clone());
            let labels = ClassLabels { model, version, class: class.to_owned() };
            self.predictions.get_or_create_owned(&labels)
        };
        let is_classifier = model.is_classifier();
        let sha256 = model.digest.clone().unwrap_or_default();
        let info = InfoLabels { name: name.clone(), version: version.clone(), sha256 };
        let info = self.info.get_or_create_owned(&info);
        ModelMetrics {
            info,
            active: Mutex::default(),
            classes: if is_classifier { vec![class("0"), class("1")] } else { vec![] },
            other_rows: class(if is_classifier { "other" } else { "none" }),
            probabilities: self.probabilities.get_or_create_owned(&labels),
            outliers: self.outliers.get_or_create_owned(&labels),
            failures: self.failures.get_or_create_owned(&labels),
            drift_flags: by_feature(&self.drift_flags),
            missing: by_feature(&self.missing),
            out_of_range: by_feature(&self.out_of_range),
            ranges: features.iter().map(Feature::range).collect(),
            drift_failures: detector("drift"),
            outlier_failures: detector("outliers"),
            agreed: shadow("agreed"),
            differed: shadow("differed"),
            lost: shadow("lost"),
            monitors: self.monitors.of(model),
            stages,
            batch_rows,
        }
    }
}

/// The counters of one version of a model.
#[derive(Debug)]
pub(crate) struct ModelMetrics {
    info: Gauge,
    // Versions with the same labels share the gauge, so it does not tell.
    active: Mutex<bool>,
    // Of the classes 0 and 1; empty for a model that predicts numbers.
    classes: Vec<Counter>,
    other_rows: Counter,
    probabilities: Histogram,
    outliers: Counter,
    /// Requests that the model failed on, by an error or by a panic.
    pub(crate) failures: Counter,
    // One per feature, in schema order, as the three that follow.
    drift_flags: Vec<Counter>,
    missing: Vec<Counter>,
    out_of_range: Vec<Counter>,
    ranges: Vec<Option<Range>>,
    drift_failures: Counter,
    outlier_failures: Counter,
    /// Rows for which a challenger predicted the same, something else, or nothing.
    pub(crate) agreed: Counter,
    pub(crate) differed: Counter,
    pub(crate) lost: Counter,
    /// Of each drift monitor, in the model's order.
    pub(crate) monitors: Vec<MonitorMetrics>,
    stages: Stages,
    batch_rows: Histogram,
}

impl ModelMetrics {
    /// From now on, or no more, this version answers.
    pub(crate) fn set_active(&self, is_active: bool) {
        let mut active = self.active();
        *active = is_active;
        self.info.set(i64::from(is_active));
        // The monitors of the next version begin anew.
        self.monitors.iter().for_each(MonitorMetrics::forget_drift);
    }

    /// Does something unless another version has taken the place, or takes it meanwhile.
    pub(crate) fn if_active(&self, something: impl FnOnce()) {
        let active = self.active();
        if *active {
            something();
        }
    }

    fn active(&self) -> MutexGuard<'_, bool> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn observe_stage(&self, stage: Stage, started: Instant) {
        observe_stage(&self.stages, stage, started);
    }

    pub(crate) fn observe_records(&self, records: &Records) {
        self.batch_rows.observe(records.n_rows() as f64);
        for row in records.rows() {
            for (column, &value) in row.iter().enumerate() {
                if value.is_nan() {
                    self.missing[column].inc();
                } else if self.ranges[column].is_some_and(|range| !range.contains(value)) {
                    self.out_of_range[column].inc();
                }
            }
        }
    }

    pub(crate) fn observe_answer(&self, predictions: &Predictions, monitoring: &Monitoring) {
        match &predictions.classes {
            None => {
                self.other_rows.inc_by(predictions.n_rows() as u64);
            }
            Some(classes) => self.observe_classes(classes, predictions),
        }
        match &monitoring.drift {
            None => {}
            Some(Part::Available(report)) => {
                for (counter, drift) in self.drift_flags.iter().zip(report.is_below_alpha()) {
                    if drift == Some(true) {
                        counter.inc();
                    }
                }
            }
            Some(_) => {
                self.drift_failures.inc();
            }
        }
        match &monitoring.outliers {
            None => {}
            Some(Part::Available(report)) => {
                let flagged = report.is_outlier().filter(|&outlier| outlier).count();
                self.outliers.inc_by(flagged as u64);
            }
            Some(_) => {
                self.outlier_failures.inc();
            }
        }
    }

    fn observe_classes(&self, classes: &[u32], predictions: &Predictions) {
        for &class in classes {
            self.classes.get(class as usize).unwrap_or(&self.other_rows).inc();
        }
        if predictions.outputs.values.ncols() == 1 {
            for &probability in &predictions.outputs.values {
                self.probabilities.observe(probability);
            }
        }
    }
}
