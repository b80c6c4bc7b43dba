//! Training: gradient boosting over histograms, as XGBoost's `hist` method does it (Chen and Guestrin 2016,
//! doi:10.1145/2939672.2939785).

mod binned;
mod bits;
mod boost;
mod columns;
mod cuts;
mod dataset;
mod eval_metric;
mod evaluation;
mod fit;
mod frontier;
mod grow;
mod histogram;
mod objective;
mod params;
mod partition;
mod route;
mod split;
mod sweep;
mod table;
mod threads;
mod weight;

pub use boost::{Round, Training};
pub use dataset::Dataset;
pub use eval_metric::EvalMetric;
pub use evaluation::Evaluation;
pub use objective::TrainingObjective;
pub use params::{GrowPolicy, Monotone, Params};
