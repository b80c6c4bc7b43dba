//! Stubs for the tests of this crate.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use mlops_core::{
    Classifier, DriftDetector, DriftReport, DriftStatus, DriftTest, Feature, FeatureDrift,
    OutlierDetector, PValueMethod, PredictError, Prediction, Predictor, Records, RecordsLimits,
    Schema,
};

use crate::Model;
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::routes::ROUTES;
use crate::scoring::Scorer;

pub(crate) fn schema() -> Arc<Schema> {
    let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red")];
    Arc::new(Schema::new(features).unwrap())
}

/// A request body: red wines of these strengths.
pub(crate) fn body(alcohol: &[f64]) -> String {
    let rows = alcohol.iter().map(|value| format!(r#"{{"alcohol":{value},"is_red":1}}"#));
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

pub(crate) fn records(alcohol: &[f64]) -> Records {
    Records::from_json(&schema(), body(alcohol).as_bytes(), RecordsLimits::default()).unwrap()
}

/// A model without detectors, that predicts as [`Stub`] does.
pub(crate) fn model() -> Model {
    classifier(Stub::new())
}

pub(crate) fn classifier(stub: Stub) -> Model {
    Model::classifier("wines", Classifier::new(stub))
}

pub(crate) fn scorer(model: Model) -> Scorer {
    Scorer::new(Metrics::new("Wine", ROUTES, &Recorder::default()).of_model(&model), model)
}

/// Model and detector whose numbers are easily followed: the probability is a twentieth of the
/// alcohol, the p-value a sixteenth of its mean, the score the alcohol itself against a threshold
/// of 12; `is_red` is not tested for drift.
#[derive(Clone, Debug)]
pub(crate) struct Stub {
    schema: Arc<Schema>,
    fault: Option<Fault>,
    before: Hook,
}

/// What goes wrong with a batch that has a row of [`BAD`] alcohol.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Error,
    Panic,
    TooFewRows,
}

pub(crate) const BAD: f64 = 99.0;

#[derive(Clone)]
struct Hook(Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Stub {
    pub(crate) fn new() -> Self {
        Self { schema: schema(), fault: None, before: Hook(Arc::new(|| ())) }
    }

    pub(crate) fn schema(self, schema: Arc<Schema>) -> Self {
        Self { schema, ..self }
    }

    pub(crate) fn fault(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// Calls `hook` before each batch.
    pub(crate) fn before(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self { before: Hook(Arc::new(hook)), ..self }
    }

    fn alcohol(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        (self.before.0)();
        let mut alcohol = records.column(0).to_vec();
        match self.fault.filter(|_| alcohol.contains(&BAD)) {
            None => {}
            Some(Fault::Error) => return Err(PredictError::model("a bad wine")),
            Some(Fault::Panic) => panic!("a bad wine"),
            Some(Fault::TooFewRows) => alcohol.truncate(1),
        }
        Ok(alcohol)
    }
}

impl Predictor for Stub {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
        let alcohol = self.alcohol(records)?;
        Ok(Prediction::single(alcohol.iter().map(|alcohol| alcohol / 20.0).collect()))
    }
}

impl DriftDetector for Stub {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError> {
        let alcohol = self.alcohol(records)?;
        let test = DriftTest::KolmogorovSmirnov;
        let p_value = alcohol.iter().sum::<f64>() / alcohol.len() as f64 / 16.0;
        let features = vec![
            FeatureDrift::tested("alcohol", test, 0.5, p_value, PValueMethod::Exact),
            FeatureDrift::untested("is_red", DriftTest::ChiSquared, DriftStatus::EmptyReference),
        ];
        Ok(DriftReport::new(0.05, features))
    }
}

impl OutlierDetector for Stub {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn threshold(&self) -> f64 {
        12.0
    }

    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        self.alcohol(records)
    }
}

/// A writer whose text can be read while it is in use.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl SharedBuffer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
