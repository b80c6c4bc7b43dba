//! `/v2`: the Open Inference Protocol, version 2, over REST.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use mlops_core::Records;
use mlops_telemetry::Part;
use serde::Deserialize;
use serde_json::json;

use crate::Service;
use crate::body::require_json;
use crate::problem::Problem;
use crate::protocol::open_inference::Datatype;
use crate::protocol::open_inference::metadata::{ModelMetadata, ServerMetadata, TensorMetadata};
use crate::protocol::open_inference::request::read;
use crate::protocol::open_inference::response::{InferResponse, Tensor, TensorData};
use crate::protocol::{Answer, Protocol, to_json};
use crate::request::{Context, answer, json as json_response};
use crate::scoring::Scorer;
use crate::slot::Slot;

/// The model of a path, and its version if the path names one.
#[derive(Deserialize)]
pub(crate) struct Target {
    name: String,
    version: Option<String>,
}

/// What a path does name may not be a text, and then it is no model's name.
type NamedModel = Result<Path<Target>, PathRejection>;

/// `GET /v2`: what the server is.
pub(crate) async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata::OURS)
}

/// `GET /v2/health/live`: the process lives.
pub(crate) async fn live() -> Response {
    Json(json!({"live": true})).into_response()
}

/// `GET /v2/health/ready`: the service takes requests.
pub(crate) async fn ready(State(service): State<Service>) -> Response {
    if service.is_stopping() {
        return refuse(&Problem::ShuttingDown);
    }
    Json(json!({"ready": true})).into_response()
}

/// `GET /v2/models/{name}`: what the model takes and gives.
pub(crate) async fn metadata(State(service): State<Service>, target: NamedModel) -> Response {
    let scorer = match find(&service, &target) {
        Ok((_, scorer)) => scorer,
        Err(problem) => return refuse(&problem),
    };
    let version = scorer.version();
    let outputs = outputs(&scorer).into_iter();
    let metadata = ModelMetadata::new(
        &version.name,
        version.version.as_deref(),
        PLATFORM,
        scorer.schema(),
        outputs
            .map(|output| TensorMetadata::per_row(output.name(), output.datatype(&scorer)))
            .collect(),
    );
    Json(metadata).into_response()
}

/// `GET /v2/models/{name}/ready`: the model answers.
pub(crate) async fn model_ready(State(service): State<Service>, target: NamedModel) -> Response {
    match find(&service, &target) {
        Ok(_) if service.is_stopping() => refuse(&Problem::ShuttingDown),
        Ok((_, scorer)) => {
            Json(json!({"name": scorer.version().name, "ready": true})).into_response()
        }
        Err(problem) => refuse(&problem),
    }
}

/// `POST /v2/models/{name}/infer`: tensors in, tensors out.
pub(crate) async fn infer(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
    target: NamedModel,
    request: Request,
) -> Response {
    let outcome = async {
        let (slot, _) = find(&service, &target)?;
        let slot = Arc::clone(slot);
        let version = target.ok().and_then(|Path(target)| target.version);
        let protocol = OpenInference { version, id: None, selected: vec![] };
        answer(&service, &slot, context, protocol, request, require_json).await
    };
    match outcome.await {
        Ok(body) => json_response(body),
        Err(problem) => refuse(&problem),
    }
}

fn find<'a>(
    service: &'a Service,
    target: &NamedModel,
) -> Result<(&'a Arc<Slot>, Arc<Scorer>), Problem> {
    let Ok(Path(target)) = target else { return Err(Problem::UnknownModel) };
    let slot = service.slot(&target.name)?;
    let scorer = slot.champion();
    require_version(&scorer, target.version.as_deref())?;
    Ok((slot, scorer))
}

fn require_version(scorer: &Scorer, version: Option<&str>) -> Result<(), Problem> {
    let is_there = version.is_none() || version == scorer.version().version.as_deref();
    if is_there { Ok(()) } else { Err(Problem::UnknownModel) }
}

/// An error as the protocol writes it.
fn refuse(problem: &Problem) -> Response {
    let status = problem.status();
    let mut response = match problem {
        Problem::OpenInference(error) => (status, Json(error)).into_response(),
        problem => (status, Json(json!({"error": problem.to_string()}))).into_response(),
    };
    problem.add_headers(&mut response);
    response
}

/// What a model gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Output {
    Predict,
    PredictProba,
    IsOutlier,
    OutlierScore,
    DriftPValue,
}

impl Output {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::PredictProba => "predict_proba",
            Self::IsOutlier => "is_outlier",
            Self::OutlierScore => "outlier_score",
            Self::DriftPValue => "drift_p_value",
        }
    }

    pub(crate) fn datatype(self, scorer: &Scorer) -> Datatype {
        match self {
            Self::Predict if scorer.model().is_classifier() => Datatype::Int64,
            Self::IsOutlier => Datatype::Bool,
            _ => Datatype::Fp64,
        }
    }

    /// The tensor of an answer; `None` if a detector had no result.
    fn tensor(self, answer: &Answer) -> Option<Tensor> {
        let (predictions, monitoring) = (&answer.predictions, &answer.monitoring);
        let outliers = monitoring.outliers.as_ref().and_then(Part::report);
        let outputs = || {
            let (rows, columns) = predictions.outputs.values.dim();
            let shape = if columns == 1 { vec![rows] } else { vec![rows, columns] };
            let values = predictions.outputs.values.iter().copied().collect();
            Tensor::new(self.name(), shape, TensorData::Fp64(values))
        };
        let vector = |data| Tensor::vector(self.name(), data);
        Some(match self {
            Self::Predict => match &predictions.classes {
                Some(classes) => {
                    vector(TensorData::Int64(classes.iter().map(|&class| class.into()).collect()))
                }
                None => outputs(),
            },
            Self::PredictProba => outputs(),
            Self::IsOutlier => vector(TensorData::Bool(outliers?.is_outlier().collect())),
            Self::OutlierScore => vector(TensorData::Fp64(outliers?.scores().collect())),
            Self::DriftPValue => {
                let report = monitoring.drift.as_ref().and_then(Part::report)?;
                let p_values = report.features.iter().map(|feature| feature.p_value);
                // One that could not be computed is written as null.
                vector(TensorData::Fp64(p_values.map(|p| p.unwrap_or(f64::NAN)).collect()))
            }
        })
    }
}

pub(crate) fn outputs(scorer: &Scorer) -> Vec<Output> {
    let model = scorer.model();
    let mut outputs = vec![Output::Predict];
    if model.is_classifier() {
        outputs.push(Output::PredictProba);
    }
    if model.outliers.is_some() {
        outputs.extend([Output::IsOutlier, Output::OutlierScore]);
    }
    if model.drift.is_some() {
        outputs.push(Output::DriftPValue);
    }
    outputs
}

struct OpenInference {
    version: Option<String>,
    id: Option<String>,
    selected: Vec<Output>,
}

impl Protocol for OpenInference {
    fn read(&mut self, scorer: &Scorer, body: &[u8], max_rows: usize) -> Result<Records, Problem> {
        // Another version may have come since the path was looked at.
        require_version(scorer, self.version.as_deref())?;
        let outputs = outputs(scorer);
        let names: Vec<_> = outputs.iter().map(|output| output.name()).collect();
        let request = read(scorer.schema(), &names, body, max_rows)?;
        self.id = request.id;
        self.selected = request.outputs.into_iter().map(|output| outputs[output]).collect();
        Ok(request.records)
    }

    fn write(&self, answer: &Answer) -> Result<Vec<u8>, Problem> {
        let version = answer.scorer.version();
        let mut parameters = BTreeMap::new();
        for (name, is_unavailable) in [
            ("drift", matches!(answer.monitoring.drift, Some(Part::Unavailable))),
            ("outliers", matches!(answer.monitoring.outliers, Some(Part::Unavailable))),
        ] {
            if is_unavailable {
                parameters.insert(name, "unavailable");
            }
        }
        let response = InferResponse {
            model_name: &version.name,
            model_version: version.version.as_deref(),
            id: self.id.clone(),
            parameters,
            outputs: self.selected.iter().filter_map(|output| output.tensor(answer)).collect(),
        };
        to_json(&response)
    }
}

/// What the protocol calls the framework of a model.
pub(crate) const PLATFORM: &str = "mlops";
