#![doc = include_str!("../README.md")]

mod alias;
#[cfg(feature = "client")]
pub mod blocking;
#[cfg(feature = "client")]
pub mod client;
mod dataset_input;
mod entries;
pub mod env;
mod error;
mod experiment;
mod field;
mod file_uri;
mod filter;
mod local;
mod log_batch;
mod logged_model;
mod logger;
mod meta;
mod metric;
mod model_version;
mod name;
mod order_by;
mod random;
mod registered_model;
mod registry;
mod resolve;
mod run;
mod run_status;
mod search;
mod stage;
mod tracking;
mod uri;

pub use dataset_input::DatasetInput;
pub use error::{Error, ErrorKind};
pub use experiment::Experiment;
pub use filter::{Compare, Filter, FilterError};
pub use local::LocalStore;
pub use log_batch::{LogBatch, NewMetric};
pub use logger::{LogSink, LoggerReport, RunLogger, RunLoggerBuilder};
pub use metric::Metric;
pub use model_version::ModelVersion;
pub use name::{Alias, ArtifactPath, LoggedModelId, ModelName, NameError, RunId};
pub use registered_model::RegisteredModel;
pub use registry::{FetchedModel, Promotion, Registry};
pub use run::{Run, RunInfo};
pub use run_status::RunStatus;
pub use stage::{Stage, UnknownStage};
pub use tracking::{TrackedModel, TrackedRun, Tracking};
pub use uri::{ModelUri, UriError, VersionSelector};
