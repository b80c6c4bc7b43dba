//! The three models that a configuration names, of this project's or of Python's making.

use std::io::Write;
use std::sync::Arc;

use mlops_core::{
    Classifier, DriftDetector, LoadContext, LoadModel, ModelDir, OutlierDetector, Predictor,
};
use mlops_drift::{AlibiDrift, AlibiModel, TabularDrift};
use mlops_outlier::{Contamination, IsolationForest, SklearnIsolationForest};
use mlops_registry::LocalStore;
use mlops_serve::Service;
use mlops_xgboost::XgboostModel;

use crate::compat::{Compat, dialect};
use crate::configuration::Configuration;
use crate::error::Error;
use crate::models::CONTAMINATION;

/// The name of the service in its log, as in the original.
const SERVICE_NAME: &str = "WineQualityService";
/// The flavor of what `mlflow.sklearn` saved.
const SKLEARN: &str = "sklearn";

/// A model that predicts and two detectors that watch.
#[derive(Debug)]
pub(crate) struct ServedModels {
    prediction: XgboostModel,
    drift: Box<dyn DriftDetector>,
    outliers: Box<dyn OutlierDetector>,
    compat: Option<Compat>,
    /// What an operator should know of them.
    pub(crate) remarks: Vec<String>,
}

impl ServedModels {
    pub(crate) fn load(
        store: &LocalStore,
        configuration: &Configuration,
        compat: Option<Compat>,
    ) -> Result<Self, Error> {
        let open = |uri: &str| -> Result<ModelDir, Error> {
            Ok(ModelDir::open(store.resolve(&uri.parse()?)?)?)
        };
        let prediction =
            XgboostModel::load(&open(&configuration.prediction)?, &LoadContext::new())?;
        // Detectors without a schema of their own read what the model reads.
        let context = LoadContext::new().schema(Arc::clone(prediction.schema()));
        let mut remarks = Vec::new();

        let (dir, mut reference) = (open(&configuration.drift)?, None);
        let drift: Box<dyn DriftDetector> = if is_python(&dir) {
            let model = reference.insert(AlibiModel::load(&dir, &context)?);
            let detector = model.detector()?;
            Box::new(if compat.is_some() { detector } else { detector.exact() })
        } else {
            let detector = TabularDrift::load(&dir, &context)?;
            match compat {
                Some(_) => Box::new(AlibiDrift::from(detector)),
                None => Box::new(detector),
            }
        };

        let dir = open(&configuration.outliers)?;
        let outliers: Box<dyn OutlierDetector> = if is_python(&dir) {
            let forest = SklearnIsolationForest::load(&dir, &context)?;
            let reference = reference.filter(|_| compat.is_none());
            Box::new(within_reach(forest, reference.as_ref(), &mut remarks)?)
        } else {
            Box::new(IsolationForest::load(&dir, &context)?)
        };
        Ok(Self { prediction, drift, outliers, compat, remarks })
    }

    /// The service of the models, which logs every request to `log`.
    pub(crate) fn into_service(self, log: impl Write + Send + 'static) -> Result<Service, Error> {
        let builder = Service::builder(Classifier::new(self.prediction)).name(SERVICE_NAME);
        let builder = builder.drift(self.drift).outliers(self.outliers);
        Ok(builder.dialect(dialect(self.compat)).log(log).build()?)
    }
}

fn is_python(dir: &ModelDir) -> bool {
    dir.flavors().any(|flavor| flavor == SKLEARN)
}

/// The forest with a threshold that rows can exceed, set by reference rows if its own is none, and
/// if there are some.
fn within_reach(
    forest: SklearnIsolationForest,
    reference: Option<&AlibiModel>,
    remarks: &mut Vec<String>,
) -> Result<SklearnIsolationForest, Error> {
    if forest.is_threshold_reachable() {
        return Ok(forest);
    }
    let out_of_reach = format!(
        "the outlier threshold {} is out of reach: scores of this forest are between {:.3} and {:.3}",
        forest.threshold(),
        forest.lowest_score(),
        forest.highest_score(),
    );
    let Some(reference) = reference else {
        remarks.push(format!("{out_of_reach}, so no row will ever be called an outlier"));
        return Ok(forest);
    };
    let reference = reference.reference()?;
    let forest = forest.calibrate(&reference, Contamination::new(CONTAMINATION)?)?;
    remarks.push(format!(
        "{out_of_reach}; it is {:.6} now, which {} % of the {} reference rows of the drift model exceed",
        forest.threshold(),
        100.0 * CONTAMINATION,
        reference.n_rows(),
    ));
    Ok(forest)
}
