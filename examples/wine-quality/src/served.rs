//! The three models that a configuration names, of this project's or of Python's making.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;

use mlops_core::{
    Classifier, DriftDetector, LoadContext, LoadModel, ModelDir, ModelError, ModelErrorKind,
    OutlierDetector,
};
use mlops_drift::{AlibiDrift, AlibiModel, Alpha, TabularDrift, WindowMonitor};
use mlops_outlier::{Contamination, IsolationForest};
use mlops_pipeline::BatchScoring;
use mlops_pyobject::sklearn::SavedModel;
use mlops_serve::{Model, Service, ServiceBuilder};
use mlops_telemetry::Telemetry;
use mlops_xgboost::XgboostModel;

use crate::compat::{Compat, form, line_format};
use crate::directories::Directories;
use crate::error::Error;
use crate::models::CONTAMINATION;
use crate::screen::note;

/// The name of the service in its log, as in the original.
pub(crate) const SERVICE_NAME: &str = "WineQualityService";
/// The name under which the service has its model.
const MODEL_NAME: &str = "wine_quality";
/// The accepted probability that a window without drift alarms. That of the detectors, 0.05, would have one of twenty
/// windows do so.
const ALARM_LEVEL: f64 = 0.001;

/// A model that predicts and two detectors that watch.
#[derive(Debug)]
pub(crate) struct ServedModels {
    prediction: XgboostModel,
    version: Option<String>,
    digest: String,
    drift: Box<dyn DriftDetector>,
    windows: Box<dyn DriftDetector>,
    outliers: IsolationForest,
    /// What an operator should know of them.
    remarks: Vec<String>,
}

impl ServedModels {
    /// Loads the models in `directories`.
    pub(crate) fn load(directories: &Directories, compat: Option<Compat>) -> Result<Self, Error> {
        let Directories { prediction, drift, outliers } = directories;
        let (version, digest) = (prediction.version.clone(), prediction.digest()?);
        let prediction = prediction
            .load("prediction", |dir| Ok(XgboostModel::load(dir, &LoadContext::new())?))?;
        // Detectors without a schema of their own read what the model reads.
        let context = LoadContext::new().schema(Arc::clone(prediction.schema()));
        let drift = drift.load("drift", |dir| Drift::load(dir, &context, compat))?;
        let mut remarks = Vec::new();
        let reference = drift.python.filter(|_| compat.is_none());
        let load = |dir: &ModelDir| IsolationForest::load(dir, &context).map_err(not_python);
        let outliers = outliers.load("outlier", load)?;
        let outliers = within_reach(outliers, reference.as_ref(), &mut remarks);
        let Drift { detector: drift, windows, .. } = drift;
        Ok(Self { prediction, version, digest, drift, windows, outliers, remarks })
    }

    /// Says on stderr what an operator should know of them.
    pub(crate) fn warn(&self) {
        for remark in &self.remarks {
            note(format_args!("warning: {remark}"));
        }
    }

    /// The model that predicts, and the detector that tests whole windows.
    pub(crate) fn into_model_and_windows(self) -> (XgboostModel, Box<dyn DriftDetector>) {
        (self.prediction, self.windows)
    }

    /// The models as files are scored with them: with the same results as those of a service.
    pub(crate) fn into_scoring(self) -> BatchScoring {
        BatchScoring::new(Classifier::new(self.prediction)).outliers(self.outliers)
    }

    /// The models as a service has them, with a monitor of windows of so many rows, or of none.
    pub(crate) fn into_model(self, drift_window: u32) -> Model {
        let prediction = Arc::new(self.prediction);
        let model = Model::classifier(MODEL_NAME, Classifier::new(Arc::clone(&prediction)));
        let mut model = model.explainer(prediction).drift(self.drift).outliers(self.outliers);
        model = model.digest(self.digest);
        if let Some(n_rows) = NonZeroUsize::new(drift_window as usize) {
            model = model.monitor(WindowMonitor::new(self.windows, n_rows));
        }
        match self.version {
            Some(version) => model.version(version),
            None => model,
        }
    }
}

/// A builder of a service that tells of every request to `log`.
pub(crate) fn service(
    model: Model,
    compat: Option<Compat>,
    log: impl Write + Send + 'static,
) -> Result<ServiceBuilder, Error> {
    let telemetry = Telemetry::builder(SERVICE_NAME, log).format(line_format(compat));
    let builder = Service::builder(model).name(SERVICE_NAME).form(form(compat));
    Ok(builder.telemetry(telemetry.start()?))
}

/// A drift detector, and what Python saved if it is one of Python's.
struct Drift {
    /// Without effect sizes, of which answers say nothing.
    detector: Box<dyn DriftDetector>,
    /// The same reference at the level of alarms, and exact whatever the answers are.
    windows: Box<dyn DriftDetector>,
    python: Option<AlibiModel>,
}

impl Drift {
    fn load(dir: &ModelDir, context: &LoadContext, compat: Option<Compat>) -> Result<Self, Error> {
        let level = Alpha::new(ALARM_LEVEL)?;
        if SavedModel::is_in(dir) {
            let python = AlibiModel::load(dir, context)?;
            let detector = python.detector()?;
            let windows = Box::new(detector.clone().exact().alpha(level));
            let detector = detector.without_effects();
            let detector = if compat.is_some() { detector } else { detector.exact() };
            return Ok(Self { detector: Box::new(detector), windows, python: Some(python) });
        }
        let detector = TabularDrift::load(dir, context).map_err(not_python)?;
        let windows = Box::new(detector.clone().with_alpha(level));
        let detector = detector.without_effects();
        Ok(Self {
            windows,
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
