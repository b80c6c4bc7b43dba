//! Training: gradient boosting over histograms, as XGBoost's `hist` method does it (Chen and Guestrin 2016,
//! doi:10.1145/2939672.2939785).

mod binned;
mod boost;
mod cuts;
mod dataset;
mod early_stopping;
mod grow;
mod histogram;
mod params;
mod split;

pub use boost::Training;
pub use dataset::Dataset;
pub use early_stopping::EvalMetric;
pub use params::Params;
