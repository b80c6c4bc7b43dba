#![doc = include_str!("../README.md")]

mod booster;
mod error;
mod format;
mod metric;
mod model;
mod objective;
mod train;
mod tree;

pub use booster::Booster;
pub use error::{Error, Unsupported};
pub use metric::{log_loss, roc_auc};
pub use model::XgboostModel;
pub use train::{Dataset, EvalMetric, Params, Training};
