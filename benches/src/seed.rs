//! The models of the original system, as Python saved them.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use mlops_core::{Classifier, LoadContext, LoadModel, ModelDir, Schema};
use mlops_drift::{AlibiDrift, AlibiModel};
use mlops_outlier::IsolationForest;
use mlops_serve::{Model, Service};
use mlops_telemetry::{Monitoring, MonitoringJson, Predictions, Telemetry};
use mlops_xgboost::XgboostModel;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// A model that predicts and two detectors that watch.
#[derive(Debug)]
#[non_exhaustive]
pub struct SeedModels {
    /// Whether a wine is good.
    pub classifier: Classifier,
    /// With the answers of alibi-detect.
    pub drift: AlibiDrift,
    /// Its threshold is out of reach, as in the original.
    pub outliers: IsolationForest,
}

impl SeedModels {
    /// Loads the models in the folder `seed_models` of the fixtures.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn load(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let dir = |name: &str| ModelDir::open(folder.join(name));
        let model = XgboostModel::load(&dir("wine_quality")?, &LoadContext::new())?;
        let context = LoadContext::new().schema(Arc::clone(model.schema()));
        let drift = AlibiModel::load(&dir("wine_quality_drift")?, &context)?.detector()?;
        let outliers = IsolationForest::load(&dir("wine_quality_outlier")?, &context)?;
        Ok(Self { classifier: Classifier::new(model), drift, outliers })
    }

    /// The features of a wine.
    pub fn schema(&self) -> &Arc<Schema> {
        self.classifier.schema()
    }
}

/// The service of the models with exact p-values, without a socket; its lines go nowhere.
#[derive(Debug)]
pub struct Unconnected {
    router: Router,
    runtime: Runtime,
}

impl Unconnected {
    /// Puts the models together.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn new(models: SeedModels) -> Result<Self, Box<dyn Error>> {
        let model = Model::classifier("wine_quality", models.classifier);
        let model = model.drift(models.drift.exact().without_effects()).outliers(models.outliers);
        let telemetry = Telemetry::builder("wine_quality", io::sink()).start()?;
        let service = Service::builder(model).telemetry(telemetry).build()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { router: service.router(), runtime })
    }

    /// The body of the answer of `/predict`.
    ///
    /// # Errors
    /// If the request cannot be built or its answer not be read.
    pub fn answer(&self, body: Bytes) -> Result<Bytes, Box<dyn Error>> {
        let request = Request::post("/predict").header("content-type", "application/json");
        let request = request.body(Body::from(body))?;
        self.runtime.block_on(async {
            let Ok(response) = self.router.clone().oneshot(request).await;
            Ok(to_bytes(response.into_body(), usize::MAX).await?)
        })
    }
}

/// The body of an answer of `/predict`, as the service writes it.
///
/// # Errors
/// If a number cannot be written.
pub fn answer(
    predictions: &Predictions,
    monitoring: &Monitoring,
    schema: &Schema,
) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'a> {
        predictions: &'a Predictions,
        monitoring: MonitoringJson<'a>,
    }

    let monitoring = monitoring.to_json(schema, mlops_serve::Form::PerRow);
    serde_json::to_vec(&[Body { predictions, monitoring }])
}
