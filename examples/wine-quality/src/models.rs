//! The detectors of the service, fitted here.

use mlops_core::Records;
use mlops_drift::TabularDrift;
use mlops_outlier::{Contamination, IsolationForest};

use crate::data::IS_RED;
use crate::error::Error;

/// The share of training wines that the outlier threshold cuts off.
pub(crate) const CONTAMINATION: f64 = 0.02;

/// The detectors that watch.
#[derive(Clone, Debug)]
pub(crate) struct Detectors {
    pub(crate) drift: TabularDrift,
    pub(crate) outliers: IsolationForest,
}

impl Detectors {
    /// Fits the detectors to distinct wines: copies are no evidence of their own, and the p-values of the drift tests take
    /// every row for one.
    pub(crate) fn fit(distinct: &Records, seed: u64) -> Result<Self, Error> {
        let drift = TabularDrift::builder().categorical([IS_RED]).fit(distinct)?;
        let outliers = IsolationForest::params().n_estimators(200).seed(seed);
        let outliers = outliers.contamination(Contamination::new(CONTAMINATION)?).fit(distinct)?;
        Ok(Self { drift, outliers })
    }
}
