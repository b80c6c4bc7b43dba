use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use mlops_core::{
    Contributions, DriftReport, OutlierDetectorExt, OutlierReport, PredictError, Reason, Records,
    Schema,
};
use mlops_telemetry::{ModelVersion, Monitoring, Part, Predictions};

use crate::metrics::{ModelMetrics, Stage};
use crate::model::Model;
use crate::pace::Pace;

/// A model that has been checked and answers requests.
#[derive(Debug)]
pub(crate) struct Scorer {
    // Invariant: all that are there have the schema of the model.
    model: Model,
    version: Arc<ModelVersion>,
    pub(crate) metrics: ModelMetrics,
    pub(crate) pace: Pace,
}

/// Why the features of each row lead to its results.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) prediction: Option<Contributions>,
    /// For each row; `None` without an outlier detector.
    pub(crate) outliers: Option<Vec<Vec<Reason>>>,
}

impl Scorer {
    /// Takes a model that has been checked.
    pub(crate) fn new(metrics: ModelMetrics, model: Model) -> Self {
        let version = Arc::new(model.version.clone());
        Self { model, version, metrics, pace: Pace::default() }
    }

    pub(crate) fn schema(&self) -> &Arc<Schema> {
        self.model.schema()
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn version(&self) -> &Arc<ModelVersion> {
        &self.version
    }

    /// Predicts `records`; `None` if the model failed.
    pub(crate) fn predict(&self, records: &Records) -> Option<Predictions> {
        let predictions = guard(|| self.model.head.predict(records))?;
        (predictions.n_rows() == records.n_rows()).then_some(predictions)
    }

    /// Explains the results of `records`; `None` if whatever explains has failed.
    pub(crate) fn explain(&self, records: &Records) -> Option<Explanation> {
        let prediction = match &self.model.explainer {
            None => None,
            Some(explainer) => {
                let contributions = guard(|| explainer.explain(records))?;
                let is_whole = contributions.values.len_of(ndarray::Axis(0)) == records.n_rows();
                Some(contributions).filter(|_| is_whole)
            }
        };
        let outliers = match &self.model.outliers {
            None => None,
            Some(detector) => Some(guard(|| detector.reasons(records))?),
        };
        Some(Explanation { prediction, outliers })
    }

    /// Asks the detectors about `records`. One that fails costs its part of the answer.
    pub(crate) fn monitor(&self, records: &Records) -> Monitoring {
        let mut monitoring = Monitoring::default();
        if let Some(detector) = &self.model.drift {
            let started = Instant::now();
            let report = guard(|| detector.detect(records)).filter(|report: &DriftReport| {
                let tested = report.features.iter().map(|feature| &*feature.feature);
                tested.eq(records.schema().names())
            });
            self.metrics.observe_stage(Stage::Drift, started);
            monitoring.drift = Some(report.map_or(Part::Unavailable, Part::Available));
        }
        if let Some(detector) = &self.model.outliers {
            let started = Instant::now();
            let report = guard(|| detector.detect(records))
                .filter(|report: &OutlierReport| report.rows.len() == records.n_rows());
            self.metrics.observe_stage(Stage::Outliers, started);
            monitoring.outliers = Some(report.map_or(Part::Unavailable, Part::Available));
        }
        monitoring
    }

    /// What is said of rows that no detector has looked at in time.
    pub(crate) fn unmonitored(&self) -> Monitoring {
        let mut monitoring = Monitoring::default();
        monitoring.drift = self.model.drift.as_ref().map(|_| Part::Unavailable);
        monitoring.outliers = self.model.outliers.as_ref().map(|_| Part::Unavailable);
        monitoring
    }
}

/// Calls a model that others wrote: a panic is a failure like an error, and ends this call only.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T, PredictError>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()?.ok()
}

#[cfg(test)]
mod tests {
    use mlops_core::{
        DriftDetector, DriftReport, DriftTest, FeatureDrift, OutlierDetector, PValueMethod,
    };

    use super::*;
    use crate::testing::{BAD, Fault, Stub, classifier, model, records, schema, scorer};

    #[derive(Debug)]
    struct Careless(Arc<Schema>);

    impl DriftDetector for Careless {
        fn schema(&self) -> &Arc<Schema> {
            &self.0
        }

        fn detect(&self, _: &Records) -> Result<DriftReport, PredictError> {
            let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
            let drift = FeatureDrift::tested("is_red", test, 0.0, 1.0, method);
            Ok(DriftReport::new(0.05, vec![drift]))
        }
    }

    impl OutlierDetector for Careless {
        fn schema(&self) -> &Arc<Schema> {
            &self.0
        }

        fn threshold(&self) -> f64 {
            0.0
        }

        fn score(&self, _: &Records) -> Result<Vec<f64>, PredictError> {
            Ok(vec![])
        }
    }

    #[test]
    fn a_detector_that_answers_for_other_features_or_rows_has_failed() {
        let model = model().drift(Careless(schema())).outliers(Careless(schema()));
        let monitoring = scorer(model).monitor(&records(&[9.4]));
        assert!(matches!(monitoring.drift, Some(Part::Unavailable)));
        assert!(matches!(monitoring.outliers, Some(Part::Unavailable)));
    }

    #[test]
    fn a_model_that_fails_in_any_way_has_no_answer() {
        for fault in [Fault::Error, Fault::Panic, Fault::TooFewRows] {
            let scorer = scorer(classifier(Stub::new().fault(fault)));
            assert!(scorer.predict(&records(&[BAD, 9.8])).is_none(), "{fault:?}");
        }
    }
}
