//! `GET /v1/drift`: what the drift monitors have found.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mlops_telemetry::ModelVersion;
use serde::Serialize;

use crate::Service;
use crate::monitor::Monitor;
use crate::problem::Problem;
use crate::protocol::to_json;
use crate::request::{Context, json};

pub(crate) async fn drift(
    State(service): State<Service>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
) -> Response {
    match service.authorize(&headers).and_then(|()| body(&service)) {
        Ok(body) => json(body),
        Err(problem) => problem.into_response(context.id),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    models: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    #[serde(flatten)]
    version: &'a ModelVersion,
    monitors: &'a [Monitor],
}

/// The models that have monitors, in the order of their names.
fn body(service: &Service) -> Result<Vec<u8>, Problem> {
    let mut champions: Vec<_> =
        service.inner().slots.values().map(|slot| slot.champion()).collect();
    champions.retain(|champion| !champion.model().monitors.is_empty());
    champions.sort_unstable_by(|a, b| a.version().name.cmp(&b.version().name));
    let models = champions.iter().map(|champion| Model {
        version: champion.version(),
        monitors: &champion.model().monitors,
    });
    to_json(&Body { models: models.collect() })
}
