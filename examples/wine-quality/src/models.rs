//! The three models of the service, fitted here.

use mlops_core::Records;
use mlops_drift::TabularDrift;
use mlops_outlier::{Contamination, IsolationForest};
use mlops_xgboost::XgboostModel;

use crate::data::IS_RED;
use crate::error::Error;

/// The share of training wines that the outlier threshold cuts off.
pub(crate) const CONTAMINATION: f64 = 0.02;

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
        let outliers = IsolationForest::params().n_estimators(200).seed(seed);
        let outliers = outliers.contamination(Contamination::new(CONTAMINATION)?).fit(distinct)?;
        Ok(Self { prediction, drift, outliers })
    }
}
