//! Serves the three models of a Python service, which `mlflow.xgboost` and `mlflow.sklearn` saved, without Python.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use mlops_core::{Classifier, LoadContext, LoadModel, ModelDir};
use mlops_drift::AlibiModel;
use mlops_outlier::{Contamination, IsolationForest};
use mlops_serve::{Model, Service};
use mlops_xgboost::XgboostModel;
use serde_json::Value;
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python_service");
    let dir = |name: &str| ModelDir::open(folder.join(name));

    let model = XgboostModel::load(&dir("wine_quality")?, &LoadContext::new())?;
    // The pickles do not say what their columns are called: those of the model, in its order.
    let context = LoadContext::new().schema(Arc::clone(model.schema()));
    let drift = AlibiModel::load(&dir("wine_quality_drift")?, &context)?;
    let mut outliers = IsolationForest::load(&dir("wine_quality_outlier")?, &context)?;

    // The notebook set the threshold to 5, and no score of a forest is above 0.5.
    assert!(!outliers.is_threshold_reachable());
    outliers = outliers.calibrate(&drift.reference()?, Contamination::new(0.02)?)?;

    let model = Model::classifier("wine_quality", Classifier::new(model));
    let model = model.drift(drift.detector()?.exact()).outliers(outliers);
    let service = Service::builder(model).build()?;
    // `mlops_serve::serve(listener, service, shutdown)` puts it behind a socket.

    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json"))?)?;
    let request = Request::post("/predict").header("content-type", "application/json");
    let request = request.body(Body::from(expected["rows"].to_string()))?;
    let response = service.router().oneshot(request).await?;
    let body = to_bytes(response.into_body(), usize::MAX).await?;
    let answer: Value = serde_json::from_slice(&body)?;

    // What Python's libraries answer to the same wines.
    let scores = &answer[0]["monitoring"]["outliers"]["instance_score"];
    let pairs = scores.as_array().zip(expected["instance_score"].as_array()).ok_or("no scores")?;
    assert_eq!(pairs.0.len(), pairs.1.len());
    for (score, expected) in pairs.0.iter().zip(pairs.1) {
        let difference = score.as_f64().zip(expected.as_f64()).map(|(a, b)| (a - b).abs());
        assert!(difference.is_some_and(|difference| difference <= f64::EPSILON));
    }
    let good = expected["probability"].as_array().ok_or("no probabilities")?.iter();
    let good: Value = good.map(|p| u8::from(p.as_f64() > Some(0.5))).collect();
    assert_eq!(answer[0]["predictions"], good);
    writeln!(
        io::stdout(),
        "{} wines, with the predictions and outlier scores of Python",
        pairs.0.len()
    )?;
    Ok(())
}
