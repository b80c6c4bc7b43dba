//! The methods of the asynchronous client, each a line; a test compares the names.

use std::ops::RangeInclusive;
use std::time::Duration;

use mlops_core::ModelDir;

use super::twin::twin;
use super::{ArtifactRepository, MlflowClient, Pages};
use crate::client::{
    LoggedModel, LoggedModelOrder, LoggedModelStatus, ModelOutput, NewLoggedModel, NewModelVersion,
    NewRun, Publication, Published, ResolvedModel, Run, RunMetric, RunUpdate, ServerInfo, Transfer,
};
use crate::{
    DatasetInput, Error, Experiment, Filter, LogBatch, LoggedModelId, Metric, ModelUri,
    ModelVersion, RegisteredModel, RunId, RunStatus, Stage,
};

/// The server.
impl MlflowClient {
    twin!(server_info() -> &ServerInfo);
}

/// Experiments.
impl MlflowClient {
    twin!(create_experiment(name: &str) -> Experiment);
    twin!(experiment(name: &str) -> Experiment);
    twin!(experiment_by_id(id: &str) -> Experiment);
    twin!(experiment_by_name(name: &str) -> Experiment);
    twin!(search_experiments(filter: &Filter) -> Pages<Experiment>);
    twin!(delete_experiment(id: &str) -> ());
    twin!(restore_experiment(id: &str) -> ());
    twin!(rename_experiment(id: &str, name: &str) -> ());
    twin!(set_experiment_tag(id: &str, key: &str, value: &str) -> ());
    twin!(delete_experiment_tag(id: &str, key: &str) -> ());
}

/// Runs.
impl MlflowClient {
    twin!(create_run(experiment: &Experiment, run: NewRun) -> Run);
    twin!(run(id: &RunId) -> Run);
    twin!(search_runs(experiment_ids: &[&str], filter: &Filter, order_by: &[&str]) -> Pages<Run>);
    twin!(update_run(id: &RunId, update: &RunUpdate) -> ());
    twin!(rename_run(id: &RunId, name: &str) -> ());
    twin!(finish_run(id: &RunId, status: RunStatus) -> ());
    twin!(delete_run(id: &RunId) -> ());
    twin!(restore_run(id: &RunId) -> ());
    twin!(log_metric(run_id: &RunId, key: &str, value: f64, step: i64) -> ());
    twin!(log_param(run_id: &RunId, key: &str, value: &str) -> ());
    twin!(set_tag(run_id: &RunId, key: &str, value: &str) -> ());
    twin!(delete_tag(run_id: &RunId, key: &str) -> ());
    twin!(log_batch(run_id: &RunId, batch: &LogBatch) -> ());
    twin!(log_inputs(run_id: &RunId, datasets: &[DatasetInput], model_ids: &[LoggedModelId]) -> ());
    twin!(log_outputs(run_id: &RunId, outputs: &[ModelOutput]) -> ());
    twin!(log_model(run_id: &RunId, model_json: &str) -> ());
    twin!(metric_history(run_id: &RunId, key: &str) -> Pages<Metric>);
    twin!(sample_metric_history(run_ids: &[&RunId], key: &str, steps: Option<RangeInclusive<i64>>, n: u32) -> Vec<RunMetric>);
}

/// Logged models.
impl MlflowClient {
    twin!(create_logged_model(experiment_id: &str, model: NewLoggedModel) -> LoggedModel);
    twin!(logged_model(id: &LoggedModelId) -> LoggedModel);
    twin!(finalize_logged_model(id: &LoggedModelId, status: LoggedModelStatus) -> LoggedModel);
    twin!(delete_logged_model(id: &LoggedModelId) -> ());
    twin!(search_logged_models(experiment_ids: &[&str], filter: &Filter, order_by: &[LoggedModelOrder]) -> Pages<LoggedModel>);
    twin!(set_logged_model_tags(id: &LoggedModelId, tags: &[(String, String)]) -> ());
    twin!(delete_logged_model_tag(id: &LoggedModelId, key: &str) -> ());
    twin!(log_logged_model_params(id: &LoggedModelId, params: &[(String, String)]) -> ());
}

/// Registered models.
impl MlflowClient {
    twin!(register(name: &str) -> ());
    twin!(registered_model(name: &str) -> RegisteredModel);
    twin!(search_registered_models(filter: &Filter) -> Pages<RegisteredModel>);
    twin!(rename_registered_model(name: &str, new_name: &str) -> ());
    twin!(set_registered_model_description(name: &str, description: &str) -> ());
    twin!(set_registered_model_tag(name: &str, key: &str, value: &str) -> ());
    twin!(delete_registered_model_tag(name: &str, key: &str) -> ());
    twin!(delete_registered_model(name: &str) -> ());
}

/// Versions of registered models.
impl MlflowClient {
    twin!(create_model_version(name: &str, version: NewModelVersion) -> ModelVersion);
    twin!(await_ready(name: &str, version: u64, timeout: Duration) -> ModelVersion);
    twin!(model_version(name: &str, version: u64) -> ModelVersion);
    twin!(model_version_by_alias(name: &str, alias: &str) -> ModelVersion);
    twin!(latest_versions(name: &str) -> Vec<ModelVersion>);
    twin!(versions(name: &str) -> Vec<ModelVersion>);
    twin!(search_model_versions(filter: &Filter) -> Pages<ModelVersion>);
    twin!(download_uri(name: &str, version: u64) -> String);
    twin!(transition_stage(name: &str, version: u64, stage: Stage, archive: bool) -> ModelVersion);
    twin!(set_alias(name: &str, alias: &str, version: u64) -> ());
    twin!(delete_alias(name: &str, alias: &str) -> ());
    twin!(set_model_version_tag(name: &str, version: u64, key: &str, value: &str) -> ());
    twin!(delete_model_version_tag(name: &str, version: u64, key: &str) -> ());
    twin!(set_model_version_description(name: &str, version: u64, description: &str) -> ());
    twin!(delete_model_version(name: &str, version: u64) -> ());
}

/// Models and their files.
impl MlflowClient {
    twin!(resolve(uri: &ModelUri) -> ResolvedModel);
    twin!(publish(model: &ModelDir, publication: &Publication, transfer: &Transfer) -> Published);
    twin!(artifact_repository(uri: &str) -> ArtifactRepository);
    twin!(artifacts_of(model: &ResolvedModel) -> ArtifactRepository);
}
