use mlops_core::DriftDetector;
use mlops_xgboost::XgboostModel;

use crate::configuration::Configuration;
use crate::data::is_of_wines;
use crate::directories::Directories;
use crate::error::Error;
use crate::known_wines::KnownWines;
use crate::registry::NamedRegistry;
use crate::served::ServedModels;

/// The models that are in use.
#[derive(Debug)]
pub(super) struct Champion {
    pub(super) model: XgboostModel,
    /// Of the registered model, if it is one.
    pub(super) version: Option<String>,
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
            if is_of_wines(model.schema()) { KnownWines::read(dir) } else { Err(Error::NotOfWines) }
        })?;
        Ok(Self { model, version, windows, known })
    }
}
