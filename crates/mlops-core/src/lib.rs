#![doc = include_str!("../README.md")]

pub mod durable;
mod error;
mod json_fault;
pub mod metric;
mod model;
mod model_dir;
mod monitor;
mod random;
mod records;
mod report;
mod scaler;
mod schema;
mod signature;
pub mod yaml;

pub use error::{
    CheckpointError, CheckpointErrorKind, Error, ModelError, ModelErrorKind, PredictError,
    PredictErrorKind,
};
pub use json_fault::JsonFault;
pub use model::{
    Classifier, DriftDetector, Explainer, LoadContext, LoadModel, OutlierDetector,
    OutlierDetectorExt, Predictor, SaveModel,
};
pub use model_dir::{ModelDir, ModelDirWriter, ModelFile, WithInputExample};
pub use monitor::DriftMonitor;
pub use random::Random;
pub use records::{
    Header, Records, RecordsBuilder, RecordsError, RecordsLimits, Stop, Violation, ViolationCode,
};
pub use report::{
    Alarm, Classification, Contributions, Correction, DriftReport, DriftStatus, DriftTest,
    EffectSizes, FeatureDrift, FeatureStatistic, MissingDrift, MonitorSnapshot, OutlierReport,
    OutlierRow, PValueMethod, Prediction, Reason,
};
pub use scaler::StandardScaler;
pub use schema::{Feature, FeatureKind, Range, Schema};
pub use signature::{Signature, TensorSpec};
