//! Stubs for the tests of this crate.

use std::fmt;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use mlops_core::{
    Alarm, CheckpointError, Classifier, Contributions, DriftDetector, DriftMonitor, DriftReport,
    DriftStatus, DriftTest, Explainer, Feature, FeatureDrift, MonitorSnapshot, OutlierDetector,
    PValueMethod, PredictError, Prediction, Predictor, Records, RecordsLimits, Schema,
};
pub(crate) use mlops_testing::SharedBuffer;
use ndarray::Array3;
use tower::ServiceExt;

use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::routes::ROUTES;
use crate::scoring::Scorer;
use crate::{Model, Service};

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

/// The same with both detectors.
pub(crate) fn watched() -> Model {
    model().drift(Stub::new()).outliers(Stub::new())
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

/// A monitor to which each batch is a window, that it tests as [`Stub`] does.
#[derive(Debug)]
pub(crate) struct BatchMonitor {
    stub: Stub,
    snapshot: MonitorSnapshot,
}

impl BatchMonitor {
    pub(crate) fn new(stub: Stub) -> Self {
        Self { stub, snapshot: MonitorSnapshot::new("batch", 0) }
    }
}

impl DriftMonitor for BatchMonitor {
    fn schema(&self) -> &Arc<Schema> {
        &self.stub.schema
    }

    fn observe(&mut self, records: &Records) -> Result<(), PredictError> {
        let report = self.stub.detect(records)?;
        let Self { snapshot, .. } = self;
        snapshot.n_rows += records.n_rows() as u64;
        if report.is_drift == Some(true) {
            let (feature, p_value) = (Some("alcohol".into()), report.p_value.unwrap());
            let alarm = Alarm::new(feature, "adjusted_p_value", p_value, 0.05, snapshot.n_rows);
            snapshot.n_alarms += 1;
            snapshot.alarms = vec![alarm];
        }
        snapshot.last_window = Some(report);
        Ok(())
    }

    fn snapshot(&self) -> MonitorSnapshot {
        self.snapshot.clone()
    }

    fn checkpoint(&self) -> Vec<u8> {
        vec![]
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), CheckpointError> {
        Err(CheckpointError::other_monitor())
    }
}

/// Says that the alcohol does it.
#[derive(Debug)]
pub(crate) struct Alcohol(Arc<Schema>);

impl Alcohol {
    pub(crate) fn new() -> Self {
        Self(schema())
    }
}

impl Explainer for Alcohol {
    fn schema(&self) -> &Arc<Schema> {
        &self.0
    }

    fn explain(&self, records: &Records) -> Result<Contributions, PredictError> {
        let shape = (records.n_rows(), 1, 2);
        let alcohol = |(row, _, column)| if column == 0 { records.row(row)[0] } else { 0.0 };
        Ok(Contributions::new(vec![0.5], Array3::from_shape_fn(shape, alcohol)))
    }
}

/// What a service answered.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// The text with the request's name, which differs from run to run, replaced.
    pub(crate) fn masked(&self) -> String {
        self.body.replace(self.header("x-request-id"), "ID")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) async fn send(service: &Service, request: Request<Body>) -> Reply {
    let response = service.router().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

pub(crate) async fn get(service: &Service, path: &str) -> Reply {
    send(service, Request::get(path).body(Body::empty()).unwrap()).await
}
