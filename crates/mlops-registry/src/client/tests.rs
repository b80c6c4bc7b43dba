use std::time::{Duration, Instant};

use mlops_testing::{MockRequest, MockServer, Reply};
use serde_json::{Value, json};

use super::*;
use crate::{
    DatasetInput, ErrorKind, Filter, LogBatch, LoggedModelId, ModelVersion, NewMetric, RunId,
    RunStatus, Stage,
};

mod experiments;
mod logged_models;
mod model_versions;
mod pages;
mod publish;
mod registered_models;
mod runs;
mod server_info;
mod transport;

const RUN: &str = r#"{"run":{"info":{"run_uuid":"a","run_id":"0123456789abcdef0123456789abcdef","experiment_id":"1","run_name":"r","status":"RUNNING","start_time":1700000000000,"artifact_uri":"mlflow-artifacts:/1/a","new":{}},"data":{"metrics":[{"key":"loss","value":"NaN","timestamp":"1700000000002","step":2}],"params":[{"key":"lr","value":"0.1"}],"tags":[{"key":"team"}]}}}"#;
const MISSING: &str =
    r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Run with id=x not found"}"#;

fn serving(replies: Vec<Reply>) -> MockServer {
    MockServer::start(replies).unwrap()
}

fn client(server: &MockServer) -> MlflowClient {
    let first = Duration::from_millis(1);
    let retries = Retries { count: 3, first, longest: Duration::from_millis(50) };
    let builder = MlflowClient::builder(&server.uri()).retries(retries);
    builder.read_timeout(Duration::from_millis(300)).build().unwrap()
}

/// What MLflow says where it has no such route.
fn no_route() -> Reply {
    let page = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>";
    Reply::text(404, "text/html; charset=utf-8", page)
}

fn run_id() -> RunId {
    "0123456789abcdef0123456789abcdef".parse().unwrap()
}

fn model_id() -> LoggedModelId {
    "m-0123456789abcdef0123456789abcdef".parse().unwrap()
}

fn experiment() -> crate::Experiment {
    let (id, name) = ("1".to_owned(), "wine".to_owned());
    let artifact_location = "mlflow-artifacts:/1".to_owned();
    crate::Experiment { id, name, artifact_location, tags: [].into() }
}

/// What was sent.
fn body(request: &MockRequest) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

/// The filter that finds what a request created.
fn request_filter(creation: &MockRequest) -> String {
    let sent = body(creation);
    let tags = sent["tags"].as_array().unwrap();
    let tag = tags.iter().find(|tag| tag["key"] == "mlops_request_id").unwrap();
    format!("tags.mlops_request_id = '{}'", tag["value"].as_str().unwrap())
}
