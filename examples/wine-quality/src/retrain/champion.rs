use mlops_core::{DriftDetector, LoadContext, LoadModel, ModelDir};
use mlops_drift::TabularDrift;
use mlops_outlier::IsolationForest;
use mlops_xgboost::XgboostModel;

use crate::configuration::Configuration;
use crate::data::is_of_wines;
use crate::directories::Directories;
use crate::error::Error;
use crate::known_wines::KnownWines;
use crate::models::Detectors;
use crate::registry::NamedRegistry;
use crate::served::ServedModels;

/// The models that are in use.
#[derive(Debug)]
pub(super) struct Champion {
    pub(super) model: XgboostModel,
    /// Of the registered model, if it is one.
    pub(super) version: Option<String>,
    pub(super) detectors: Detectors,
    /// Tests whole windows.
    pub(super) windows: Box<dyn DriftDetector>,
    pub(super) known: KnownWines,
}

impl Champion {
    pub(super) fn find(
        registry: &NamedRegistry,
        configuration: &Configuration,
    ) -> Result<Self, Error> {
        let directories = Directories::find(registry, configuration)?;
        let version = directories.prediction.version.clone();
        let (model, windows) = ServedModels::load(&directories, None)?.into_model_and_windows();
        let known = directories.prediction.load("prediction", |dir| {
            let are_of_wines = is_of_wines(model.schema()) && is_of_wines(windows.schema());
            if are_of_wines { KnownWines::read(dir) } else { Err(Error::NotOfWines) }
        })?;
        // Models that say what they know are of this program's making.
        let context = LoadContext::new();
        let load_drift = |dir: &ModelDir| Ok(TabularDrift::load(dir, &context)?);
        let load_forest = |dir: &ModelDir| Ok(IsolationForest::load(dir, &context)?);
        let detectors = Detectors {
            drift: directories.drift.load("drift", load_drift)?,
            outliers: directories.outliers.load("outlier", load_forest)?,
        };
        Ok(Self { model, version, detectors, windows, known })
    }
}
