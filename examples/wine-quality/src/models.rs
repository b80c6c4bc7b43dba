//! The three models of the service: fitted here, named in a configuration, loaded from a store.

use std::io::Write;
use std::sync::Arc;

use mlops_core::{Classifier, LoadContext, LoadModel, ModelDir, Predictor, Records};
use mlops_drift::TabularDrift;
use mlops_outlier::{Contamination, IsolationForest};
use mlops_registry::LocalStore;
use mlops_serve::Service;
use mlops_xgboost::XgboostModel;

use crate::configuration::Configuration;
use crate::data::IS_RED;
use crate::error::Error;

/// The share of training wines that the outlier threshold cuts off.
pub(crate) const CONTAMINATION: f64 = 0.02;
/// The name of the service in its log, as in the original.
const SERVICE_NAME: &str = "WineQualityService";

/// A model that predicts and two detectors that watch.
#[derive(Debug)]
pub(crate) struct Models {
    pub(crate) prediction: XgboostModel,
    pub(crate) drift: TabularDrift,
    pub(crate) outliers: IsolationForest,
}

impl Models {
    /// Fits the detectors to distinct training wines: copies are no evidence of their own, and the p-values of the
    /// drift tests take every row for one.
    pub(crate) fn fit(
        prediction: XgboostModel,
        distinct: &Records,
        seed: u64,
    ) -> Result<Self, Error> {
        let drift = TabularDrift::builder().categorical([IS_RED]).fit(distinct)?;
        let outliers = IsolationForest::params().n_trees(200).seed(seed);
        let outliers = outliers.contamination(Contamination::new(CONTAMINATION)?).fit(distinct)?;
        Ok(Self { prediction, drift, outliers })
    }

    pub(crate) fn load(store: &LocalStore, configuration: &Configuration) -> Result<Self, Error> {
        let prediction: XgboostModel = load(store, &configuration.prediction, &LoadContext::new())?;
        // Detectors without a schema of their own read what the model reads.
        let context = LoadContext::new().schema(Arc::clone(prediction.schema()));
        let drift = load(store, &configuration.drift, &context)?;
        let outliers = load(store, &configuration.outliers, &context)?;
        Ok(Self { prediction, drift, outliers })
    }

    /// The service of the models, which logs every request to `log`.
    pub(crate) fn into_service(self, log: impl Write + Send + 'static) -> Result<Service, Error> {
        let builder = Service::builder(Classifier::new(self.prediction)).name(SERVICE_NAME);
        Ok(builder.drift(self.drift).outliers(self.outliers).log(log).build()?)
    }
}

fn load<M: LoadModel>(store: &LocalStore, uri: &str, context: &LoadContext) -> Result<M, Error> {
    let path = store.resolve(&uri.parse()?)?;
    Ok(M::load(&ModelDir::open(path)?, context)?)
}
