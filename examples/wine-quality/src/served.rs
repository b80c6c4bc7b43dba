//! The three models that a configuration names, of this project's or of Python's making.

use std::io::Write;
use std::sync::Arc;

use mlops_core::{
    Classifier, DriftDetector, LoadContext, LoadModel, ModelDir, ModelError, ModelErrorKind,
    OutlierDetector,
};
use mlops_drift::{AlibiDrift, AlibiModel, TabularDrift};
use mlops_outlier::{Contamination, IsolationForest};
use mlops_pyobject::sklearn::SavedModel;
use mlops_registry::{LocalStore, ModelUri};
use mlops_serve::{Model, Service};
use mlops_telemetry::Telemetry;
use mlops_xgboost::XgboostModel;

use crate::compat::{Compat, form, line_format};
use crate::configuration::Configuration;
use crate::error::Error;
use crate::models::CONTAMINATION;

/// The name of the service in its log, as in the original.
const SERVICE_NAME: &str = "WineQualityService";
/// The name under which the service has its model.
const MODEL_NAME: &str = "wine_quality";

/// A model that predicts and two detectors that watch.
#[derive(Debug)]
pub(crate) struct ServedModels {
    prediction: XgboostModel,
    drift: Box<dyn DriftDetector>,
    outliers: IsolationForest,
    compat: Option<Compat>,
    /// What an operator should know of them.
    pub(crate) remarks: Vec<String>,
}

impl ServedModels {
    /// Loads the models; `open_store` is called if one is named by version, run or alias.
    pub(crate) fn load(
        open_store: impl Fn() -> Result<LocalStore, Error>,
        configuration: &Configuration,
        compat: Option<Compat>,
    ) -> Result<Self, Error> {
        let open = |uri: &str| open(uri, &open_store);
        let part = |part, uri: &str| {
            let uri = uri.to_owned();
            move |source: Error| Error::Served { part, uri, source: Box::new(source) }
        };
        let (drift, outliers) = (&configuration.drift, &configuration.outliers);
        let prediction = open(&configuration.prediction)
            .and_then(|dir| Ok(XgboostModel::load(&dir, &LoadContext::new())?))
            .map_err(part("prediction", &configuration.prediction))?;
        // Detectors without a schema of their own read what the model reads.
        let context = LoadContext::new().schema(Arc::clone(prediction.schema()));
        let drift = open(drift)
            .and_then(|dir| Drift::load(&dir, &context, compat))
            .map_err(part("drift", drift))?;
        let mut remarks = Vec::new();
        let reference = drift.python.filter(|_| compat.is_none());
        let outliers = open(outliers)
            .and_then(|dir| IsolationForest::load(&dir, &context).map_err(not_python))
            .map_err(part("outlier", outliers))?;
        let outliers = within_reach(outliers, reference.as_ref(), &mut remarks);
        Ok(Self { prediction, drift: drift.detector, outliers, compat, remarks })
    }

    /// The service of the models, which logs every request to `log`.
    pub(crate) fn into_service(self, log: impl Write + Send + 'static) -> Result<Service, Error> {
        let prediction = Arc::new(self.prediction);
        let model = Model::classifier(MODEL_NAME, Classifier::new(Arc::clone(&prediction)));
        let model = model.explainer(prediction).drift(self.drift).outliers(self.outliers);
        let telemetry = Telemetry::builder(SERVICE_NAME, log).format(line_format(self.compat));
        let builder = Service::builder(model).name(SERVICE_NAME).form(form(self.compat));
        Ok(builder.telemetry(telemetry.start()?).build()?)
    }
}

/// The directory that a URI of the configuration names.
fn open(uri: &str, open_store: impl Fn() -> Result<LocalStore, Error>) -> Result<ModelDir, Error> {
    let path = match uri.parse()? {
        ModelUri::Path(path) => path,
        uri => {
            let store = open_store()?;
            let root = store.root().to_owned();
            store.resolve(&uri).map_err(|source| Error::Store { root, source })?
        }
    };
    Ok(ModelDir::open(path)?)
}

/// A drift detector, and what Python saved if it is one of Python's.
struct Drift {
    detector: Box<dyn DriftDetector>,
    python: Option<AlibiModel>,
}

impl Drift {
    fn load(dir: &ModelDir, context: &LoadContext, compat: Option<Compat>) -> Result<Self, Error> {
        if SavedModel::is_in(dir) {
            let python = AlibiModel::load(dir, context)?;
            let detector = python.detector()?;
            let detector = if compat.is_some() { detector } else { detector.exact() };
            return Ok(Self { detector: Box::new(detector), python: Some(python) });
        }
        let detector = TabularDrift::load(dir, context).map_err(not_python)?;
        Ok(Self {
            detector: match compat {
                Some(_) => Box::new(AlibiDrift::from(detector)),
                None => Box::new(detector),
            },
            python: None,
        })
    }
}

/// What is neither of this project nor of Python.
fn not_python(error: ModelError) -> Error {
    match error.kind() {
        ModelErrorKind::MissingFlavor { .. } => Error::Flavor { source: error },
        _ => error.into(),
    }
}

/// The forest with a threshold that tells rows apart, set by reference rows if its own does not, and
/// if there are some.
fn within_reach(
    forest: IsolationForest,
    reference: Option<&AlibiModel>,
    remarks: &mut Vec<String>,
) -> IsolationForest {
    if forest.is_threshold_reachable() {
        return forest;
    }
    let out_of_reach = format!(
        "the outlier threshold {} is out of reach: scores of this forest are between {:.3} and {:.3}",
        forest.threshold(),
        forest.lowest_score(),
        forest.highest_score(),
    );
    let is_above = forest.threshold() >= forest.highest_score();
    let named = if is_above { "no row will ever" } else { "every row will" };
    let Some(reference) = reference else {
        remarks.push(format!("{out_of_reach}, so {named} be called an outlier"));
        return forest;
    };
    let calibrated = reference.reference().map_err(Error::from).and_then(|rows| {
        let contamination = Contamination::new(CONTAMINATION)?;
        Ok((rows.n_rows(), forest.clone().calibrate(&rows, contamination)?))
    });
    match calibrated {
        Ok((n_rows, forest)) => {
            remarks.push(format!(
                "{out_of_reach}; it is {:.6} now, which {} % of the {n_rows} reference rows of the \
                 drift model exceed",
                forest.threshold(),
                100.0 * CONTAMINATION,
            ));
            forest
        }
        Err(error) => {
            let cause = error.chain();
            remarks.push(format!(
                "{out_of_reach}, and the reference rows of the drift model give no other ({cause}), \
                 so {named} be called an outlier"
            ));
            forest
        }
    }
}
