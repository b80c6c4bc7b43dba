//! The methods of the asynchronous client, each a line; a test compares the names.

use super::{MlflowClient, Pages};
use crate::client::{Filter, NewRun, RegisteredModel, Run};
use crate::{Error, Experiment, LogBatch, Metric, ModelVersion, RunId, RunStatus, Stage};

/// The method that waits for the asynchronous one of the same name and arguments.
macro_rules! twin {
    ($name:ident($($argument:ident: $type:ty),*) -> Pages<$item:ty>) => {
        #[doc = concat!(
            "Does what [`", stringify!($name), "`](crate::client::MlflowClient::", stringify!($name),
            ") of the asynchronous client does; the results come one by one."
        )]
        pub fn $name(&self, $($argument: $type),*) -> Pages<$item> {
            Pages::new(self.client.$name($($argument),*), &self.worker)
        }
    };
    ($name:ident($($argument:ident: $type:ty),*) -> $output:ty) => {
        #[doc = concat!(
            "Does what [`", stringify!($name), "`](crate::client::MlflowClient::", stringify!($name),
            ") of the asynchronous client does, and waits for it.\n\n# Errors\nThose of [`",
            stringify!($name), "`](crate::client::MlflowClient::", stringify!($name), ")."
        )]
        pub fn $name(&self, $($argument: $type),*) -> Result<$output, Error> {
            self.worker.wait(self.client.$name($($argument),*))
        }
    };
}

/// Experiments.
impl MlflowClient {
    twin!(create_experiment(name: &str) -> Experiment);
    twin!(experiment(name: &str) -> Experiment);
    twin!(experiment_by_id(id: &str) -> Experiment);
    twin!(experiment_by_name(name: &str) -> Experiment);
    twin!(search_experiments(filter: &Filter) -> Pages<Experiment>);
    twin!(delete_experiment(id: &str) -> ());
    twin!(set_experiment_tag(id: &str, key: &str, value: &str) -> ());
}

/// Runs.
impl MlflowClient {
    twin!(create_run(experiment: &Experiment, run: NewRun) -> Run);
    twin!(run(id: &RunId) -> Run);
    twin!(search_runs(experiment_ids: &[&str], filter: &Filter, order_by: &[&str]) -> Pages<Run>);
    twin!(finish_run(id: &RunId, status: RunStatus) -> ());
    twin!(delete_run(id: &RunId) -> ());
    twin!(log_metric(run_id: &RunId, key: &str, value: f64, step: i64) -> ());
    twin!(log_param(run_id: &RunId, key: &str, value: &str) -> ());
    twin!(set_tag(run_id: &RunId, key: &str, value: &str) -> ());
    twin!(log_batch(run_id: &RunId, batch: &LogBatch) -> ());
    twin!(metric_history(run_id: &RunId, key: &str) -> Pages<Metric>);
}

/// Registered models.
impl MlflowClient {
    twin!(register(name: &str) -> ());
    twin!(registered_model(name: &str) -> RegisteredModel);
    twin!(search_registered_models(filter: &Filter) -> Pages<RegisteredModel>);
    twin!(delete_registered_model(name: &str) -> ());
}

/// Versions of registered models.
impl MlflowClient {
    twin!(create_model_version(name: &str, source: &str, run_id: Option<&RunId>) -> ModelVersion);
    twin!(model_version(name: &str, version: u64) -> ModelVersion);
    twin!(model_version_by_alias(name: &str, alias: &str) -> ModelVersion);
    twin!(latest_versions(name: &str) -> Vec<ModelVersion>);
    twin!(search_model_versions(filter: &Filter) -> Pages<ModelVersion>);
    twin!(download_uri(name: &str, version: u64) -> String);
    twin!(transition_stage(name: &str, version: u64, stage: Stage, archive: bool) -> ModelVersion);
    twin!(set_alias(name: &str, alias: &str, version: u64) -> ());
    twin!(delete_alias(name: &str, alias: &str) -> ());
    twin!(set_model_version_tag(name: &str, version: u64, key: &str, value: &str) -> ());
}
