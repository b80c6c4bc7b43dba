//! Logged models: MLflow 3 writes models below the experiment, not below the run.

use serde::Deserialize;

use crate::local::MODELS;
use crate::{Error, ErrorKind, LocalStore, LoggedModelId, RunId, entries, meta};

#[derive(Deserialize)]
pub(crate) struct LoggedModel {
    pub(crate) artifact_location: String,
    pub(crate) source_run_id: Option<String>,
    name: Option<String>,
    #[serde(default)]
    creation_timestamp: i64,
}

impl LocalStore {
    pub(crate) fn logged_model(&self, id: &LoggedModelId) -> Result<LoggedModel, Error> {
        for experiment in self.experiments()? {
            let folder = self.root().join(experiment.id).join(MODELS).join(id.as_str());
            if meta::is_there(&folder) {
                return meta::read(&folder);
            }
        }
        Err(Error::new(ErrorKind::NotFound, "find the logged model", format_args!("`{id}`")))
    }

    /// The newest model that a run of `experiment_id` logged as `name`.
    pub(crate) fn logged_model_of(
        &self,
        experiment_id: &str,
        run_id: &RunId,
        name: &str,
    ) -> Result<Option<LoggedModel>, Error> {
        let models = self.root().join(experiment_id).join(MODELS);
        let mut newest: Option<LoggedModel> = None;
        for id in entries::names(&models)? {
            let folder = models.join(id);
            if !meta::is_there(&folder) {
                continue;
            }
            let model: LoggedModel = meta::read(&folder)?;
            let is_meant = model.name.as_deref() == Some(name)
                && model.source_run_id.as_deref() == Some(run_id.as_str());
            let is_newer = newest
                .as_ref()
                .is_none_or(|newest| newest.creation_timestamp < model.creation_timestamp);
            if is_meant && is_newer {
                newest = Some(model);
            }
        }
        Ok(newest)
    }
}
