use std::fmt;
use std::sync::Arc;

use mlops_core::{
    Classifier, DriftDetector, DriftMonitor, Explainer, OutlierDetector, PredictError, Predictor,
    Records, Schema,
};
use mlops_telemetry::{ModelVersion, Predictions};

use crate::monitor::Monitor;
use crate::{Component, Error};

/// A model under a name, with the detectors that watch its inputs.
#[must_use]
pub struct Model {
    pub(crate) version: ModelVersion,
    pub(crate) digest: Option<String>,
    pub(crate) head: Head,
    pub(crate) explainer: Option<Box<dyn Explainer>>,
    pub(crate) drift: Option<Box<dyn DriftDetector>>,
    pub(crate) outliers: Option<Box<dyn OutlierDetector>>,
    pub(crate) monitors: Vec<Monitor>,
    pub(crate) example: Option<Records>,
}

impl Model {
    /// A model that decides for classes.
    pub fn classifier(name: impl Into<String>, classifier: Classifier) -> Self {
        Self::new(name.into(), Head::Classifier(classifier))
    }

    /// A model that predicts numbers.
    pub fn regressor(name: impl Into<String>, predictor: impl Predictor + 'static) -> Self {
        Self::new(name.into(), Head::Regressor(Box::new(predictor)))
    }

    fn new(name: String, head: Head) -> Self {
        Self {
            version: ModelVersion::new(name, None),
            digest: None,
            head,
            explainer: None,
            drift: None,
            outliers: None,
            monitors: vec![],
            example: None,
        }
    }

    /// The version, as a registry names it; none by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version.version = Some(version.into());
        self
    }

    /// The SHA-256 of the model's files, for the metrics; none by default.
    pub fn digest(self, digest: impl Into<String>) -> Self {
        Self { digest: Some(digest.into()), ..self }
    }

    /// What says how much each feature contributes to a prediction; none by default.
    pub fn explainer(self, explainer: impl Explainer + 'static) -> Self {
        Self { explainer: Some(Box::new(explainer)), ..self }
    }

    /// A detector that tests the rows of each request for drift; none by default.
    pub fn drift(self, detector: impl DriftDetector + 'static) -> Self {
        Self { drift: Some(Box::new(detector)), ..self }
    }

    /// A detector that scores each row of a request; none by default.
    pub fn outliers(self, detector: impl OutlierDetector + 'static) -> Self {
        Self { outliers: Some(Box::new(detector)), ..self }
    }

    /// One more monitor that watches the rows of all answered requests together, on a thread that no request waits for;
    /// none by default. `GET /v1/drift` shows what it has found. It goes with this version of the model: the next one
    /// brings its own.
    pub fn monitor(mut self, monitor: impl DriftMonitor + 'static) -> Self {
        self.monitors.push(Monitor::new(Box::new(monitor), &self.monitors));
        self
    }

    /// Rows that the model must predict before it answers anyone; none by default.
    pub fn example(self, records: Records) -> Self {
        Self { example: Some(records), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.version.name
    }

    /// The features that the model reads.
    pub fn schema(&self) -> &Arc<Schema> {
        self.head.schema()
    }

    pub(crate) fn is_classifier(&self) -> bool {
        matches!(self.head, Head::Classifier(_))
    }

    /// Checks that everything reads the same features.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let schema = self.schema();
        let parts = [
            (Component::Explainer, self.explainer.as_ref().map(|explainer| explainer.schema())),
            (Component::Drift, self.drift.as_ref().map(DriftDetector::schema)),
            (Component::Outliers, self.outliers.as_ref().map(OutlierDetector::schema)),
        ];
        let parts = parts.into_iter().filter_map(|(component, other)| Some((component, other?)));
        let monitors = self.monitors.iter().map(|monitor| (Component::Monitor, &monitor.schema));
        for (component, other) in parts.chain(monitors) {
            require_same_columns(schema, other, component)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("version", &self.version)
            .field("head", &self.head)
            .field("explainer", &self.explainer)
            .field("drift", &self.drift)
            .field("outliers", &self.outliers)
            .field("monitors", &self.monitors)
            .finish_non_exhaustive()
    }
}

/// What predicts, and what its outputs mean.
#[derive(Debug)]
pub(crate) enum Head {
    Classifier(Classifier),
    Regressor(Box<dyn Predictor>),
}

impl Head {
    fn schema(&self) -> &Arc<Schema> {
        match self {
            Self::Classifier(classifier) => classifier.schema(),
            Self::Regressor(predictor) => predictor.schema(),
        }
    }

    pub(crate) fn predict(&self, records: &Records) -> Result<Predictions, PredictError> {
        Ok(match self {
            Self::Classifier(classifier) => classifier.classify(records)?.into(),
            Self::Regressor(predictor) => predictor.predict(records)?.into(),
        })
    }
}

/// Checks that what reads `other` can read the rows of a model that reads `schema`.
pub(crate) fn require_same_columns(
    schema: &Schema,
    other: &Schema,
    component: Component,
) -> Result<(), Error> {
    let mut positions = 0..schema.len().max(other.len());
    let differs = |&position: &usize| {
        let pair = schema.features().get(position).zip(other.features().get(position));
        !pair.is_some_and(|(expected, got)| expected.is_same_column(got))
    };
    match positions.find(differs) {
        None => Ok(()),
        Some(position) => Err(Error::SchemaMismatch {
            component,
            position,
            expected: schema.features().get(position).cloned().map(Box::new),
            got: other.features().get(position).cloned().map(Box::new),
        }),
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::Feature;

    use super::*;
    use crate::testing::{BatchMonitor, Stub, model};

    #[test]
    fn the_first_feature_that_differs_is_named() {
        let mismatch = |features: Vec<Feature>| {
            let other = Arc::new(Schema::new(features).unwrap());
            model().outliers(Stub::new().schema(other)).check()
        };
        let (alcohol, is_red) = (Feature::numeric("alcohol"), Feature::integer("is_red"));
        let ph = Feature::numeric("pH");
        let expected =
            |position, expected: Option<&Feature>, got: Option<&Feature>| Error::SchemaMismatch {
                component: Component::Outliers,
                position,
                expected: expected.cloned().map(Box::new),
                got: got.cloned().map(Box::new),
            };
        for (features, error) in [
            (vec![is_red.clone(), alcohol.clone()], expected(0, Some(&alcohol), Some(&is_red))),
            (vec![alcohol.clone()], expected(1, Some(&is_red), None)),
            (vec![alcohol.clone(), is_red, ph.clone()], expected(2, None, Some(&ph))),
        ] {
            assert_eq!(mismatch(features), Err(error));
        }
    }

    #[test]
    fn every_monitor_must_read_the_features_of_the_model() {
        let other = Arc::new(Schema::new(vec![Feature::numeric("alcohol")]).unwrap());
        let model = model().monitor(BatchMonitor::new(Stub::new()));
        assert_eq!(model.check(), Ok(()));
        let error = model.monitor(BatchMonitor::new(Stub::new().schema(other))).check();
        let position = 1;
        let expected = Some(Box::new(Feature::integer("is_red")));
        let component = Component::Monitor;
        assert_eq!(error, Err(Error::SchemaMismatch { component, position, expected, got: None }));
    }
}
