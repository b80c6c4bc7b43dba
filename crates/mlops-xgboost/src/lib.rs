#![doc = include_str!("../README.md")]

mod booster;
mod ensemble;
mod error;
mod explain;
mod format;
mod importance;
mod model;
mod objective;
mod train;
mod tree;
mod walk;

pub use booster::Booster;
pub use error::{Error, Unsupported};
pub use importance::Importance;
pub use mlops_core::metric::{log_loss, roc_auc};
pub use model::XgboostModel;
pub use train::{
    Dataset, EvalMetric, Evaluation, GrowPolicy, Monotone, Params, Round, Training,
    TrainingObjective,
};
