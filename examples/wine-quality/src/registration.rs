//! The three models of a run as versions that a configuration names.

use mlops_core::SaveModel;
use mlops_registry::{RunId, TrackedModel, TrackedRun, Tracking};

use crate::configuration::Configuration;
use crate::error::Error;

/// The names of the registered models; those of the artifacts are the same.
pub(crate) const PREDICTION: &str = "wine_quality";
pub(crate) const DRIFT: &str = "wine_quality_drift";
pub(crate) const OUTLIERS: &str = "wine_quality_outlier";

/// The three models that a run has logged.
#[derive(Debug)]
pub(crate) struct LoggedModels {
    pub(crate) prediction: TrackedModel,
    pub(crate) drift: TrackedModel,
    pub(crate) outliers: TrackedModel,
}

impl LoggedModels {
    /// Registers the models with an alias, all or none, unless a process that was killed has done so.
    pub(crate) fn register(
        &self,
        tracking: &Tracking,
        run: &RunId,
        alias: &str,
    ) -> Result<Configuration, Error> {
        let models =
            [(PREDICTION, &self.prediction), (DRIFT, &self.drift), (OUTLIERS, &self.outliers)];
        let mut registered = Vec::new();
        for (name, _) in models {
            let version = tracking.model_version_by_alias(name, alias)?;
            registered.extend(version.filter(|it| it.run_id.as_deref() == Some(run.as_str())));
        }
        if registered.len() < models.len() {
            registered = tracking.register_all(&models, alias)?;
        }
        let uris = registered.iter().map(|it| format!("models:/{}/{}", it.name, it.version));
        let [prediction, drift, outliers] =
            uris.collect::<Vec<_>>().try_into().map_err(|_| Error::NoModels)?;
        Ok(Configuration { prediction, drift, outliers })
    }
}

/// Logs a model, unless a process that was killed has logged it: the same training makes the same models.
pub(crate) fn log_model(
    run: &TrackedRun,
    name: &str,
    model: &impl SaveModel,
) -> Result<TrackedModel, Error> {
    match run.model(name)? {
        Some(logged) => Ok(logged),
        None => Ok(run.log_model(name, model)?),
    }
}
