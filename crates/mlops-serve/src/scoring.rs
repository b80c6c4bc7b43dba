use std::panic::{AssertUnwindSafe, catch_unwind};

use mlops_core::{
    Classifier, DriftDetector, OutlierDetector, OutlierDetectorExt, PredictError, Records, Schema,
};

use crate::response::{Answer, Monitoring, Outliers, Part, Predictions};
use crate::{Detector, Dialect, Error};

/// The model and the detectors that look at the same rows.
#[derive(Debug)]
pub(crate) struct Scorer {
    // Invariant: all that are there have the schema of the classifier.
    classifier: Classifier,
    drift: Option<Box<dyn DriftDetector>>,
    outliers: Option<Box<dyn OutlierDetector>>,
    dialect: Dialect,
}

impl Scorer {
    pub(crate) fn new(
        classifier: Classifier,
        drift: Option<Box<dyn DriftDetector>>,
        outliers: Option<Box<dyn OutlierDetector>>,
        dialect: Dialect,
    ) -> Result<Self, Error> {
        let model = classifier.schema();
        if let Some(detector) = &drift {
            require_same_columns(model, detector.schema(), Detector::Drift)?;
        }
        if let Some(detector) = &outliers {
            require_same_columns(model, detector.schema(), Detector::Outliers)?;
        }
        Ok(Self { classifier, drift, outliers, dialect })
    }

    pub(crate) fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// The detectors that are there.
    pub(crate) fn detectors(&self) -> Vec<Detector> {
        let drift = self.drift.as_ref().map(|_| Detector::Drift);
        drift.into_iter().chain(self.outliers.as_ref().map(|_| Detector::Outliers)).collect()
    }

    /// Predicts and tests `records`; `None` if the model failed. A detector that failed costs its
    /// part of the answer.
    pub(crate) fn answer(&self, records: &Records) -> Option<Answer> {
        let classes = guard(|| self.classifier.classify(records))?.classes;
        let predictions: Vec<bool> = classes.into_iter().map(|class| class == 1).collect();
        if predictions.len() != records.n_rows() {
            return None;
        }
        let monitoring = Monitoring {
            drift: self.drift.as_ref().map(|detector| {
                let report = guard(|| detector.detect(records)).filter(|report| {
                    let tested = report.features.iter().map(|feature| feature.feature.as_str());
                    tested.eq(records.schema().names())
                });
                report.map_or(Part::Unavailable, Part::Available)
            }),
            outliers: self.outliers.as_ref().map(|detector| {
                let report = guard(|| detector.detect(records))
                    .filter(|report| report.rows.len() == records.n_rows());
                let row_names = self.dialect.row_names(records.schema());
                report.map_or(Part::Unavailable, |report| {
                    Part::Available(Outliers { report, row_names })
                })
            }),
        };
        Some(Answer { predictions: Predictions(predictions), monitoring })
    }
}

/// Calls a model that others wrote: a panic is a failure like an error, and ends this call only.
fn guard<T>(call: impl FnOnce() -> Result<T, PredictError>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()?.ok()
}

fn require_same_columns(model: &Schema, other: &Schema, detector: Detector) -> Result<(), Error> {
    let mut positions = 0..model.len().max(other.len());
    let differs = |&position: &usize| {
        let pair = model.features().get(position).zip(other.features().get(position));
        !pair.is_some_and(|(expected, got)| expected.is_same_column(got))
    };
    match positions.find(differs) {
        None => Ok(()),
        Some(position) => Err(Error::SchemaMismatch {
            detector,
            position,
            expected: model.features().get(position).cloned().map(Box::new),
            got: other.features().get(position).cloned().map(Box::new),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlops_core::{DriftReport, DriftTest, Feature, FeatureDrift, PValueMethod};

    use super::*;
    use crate::testing::{BAD, Fault, Stub, records, schema};

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
        let classifier = Classifier::new(Stub::new());
        let drift = Box::new(Careless(schema()));
        let outliers = Box::new(Careless(schema()));
        let scorer = Scorer::new(classifier, Some(drift), Some(outliers), Dialect::Native).unwrap();
        let answer = scorer.answer(&records(&[9.4])).unwrap();
        assert!(matches!(answer.monitoring.drift, Some(Part::Unavailable)));
        assert!(matches!(answer.monitoring.outliers, Some(Part::Unavailable)));
    }

    #[test]
    fn a_model_that_fails_in_any_way_has_no_answer() {
        for fault in [Fault::Error, Fault::Panic, Fault::TooFewRows] {
            let classifier = Classifier::new(Stub::new().fault(fault));
            let scorer = Scorer::new(classifier, None, None, Dialect::Native).unwrap();
            assert!(scorer.answer(&records(&[BAD, 9.8])).is_none(), "{fault:?}");
        }
    }

    #[test]
    fn the_first_feature_that_differs_is_named() {
        let mismatch = |features: Vec<Feature>| {
            let other = Arc::new(Schema::new(features).unwrap());
            let outliers = Stub::new().schema(other);
            let classifier = Classifier::new(Stub::new());
            Scorer::new(classifier, None, Some(Box::new(outliers)), Dialect::Native).unwrap_err()
        };
        let (alcohol, is_red) = (Feature::numeric("alcohol"), Feature::integer("is_red"));
        let ph = Feature::numeric("pH");
        let expected =
            |position, expected: Option<&Feature>, got: Option<&Feature>| Error::SchemaMismatch {
                detector: Detector::Outliers,
                position,
                expected: expected.cloned().map(Box::new),
                got: got.cloned().map(Box::new),
            };
        assert_eq!(
            mismatch(vec![alcohol.clone(), ph.clone()]),
            expected(1, Some(&is_red), Some(&ph))
        );
        assert_eq!(mismatch(vec![alcohol.clone()]), expected(1, Some(&is_red), None));
        assert_eq!(mismatch(vec![alcohol, is_red, ph.clone()]), expected(2, None, Some(&ph)));
    }
}
