use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlops_pipeline::SearchError;
use mlops_registry::LoggerReport;

use crate::data::DataError;
use crate::split::SplitError;

/// Why a subcommand did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Split(#[from] SplitError),
    #[error(transparent)]
    Records(#[from] mlops_core::Error),
    #[error(transparent)]
    Model(#[from] mlops_core::ModelError),
    #[error(transparent)]
    Predict(#[from] mlops_core::PredictError),
    #[error(transparent)]
    Xgboost(#[from] mlops_xgboost::Error),
    #[error(transparent)]
    Drift(#[from] mlops_drift::Error),
    #[error(transparent)]
    Outlier(#[from] mlops_outlier::Error),
    #[error(transparent)]
    Registry(#[from] mlops_registry::Error),
    #[error(transparent)]
    Uri(#[from] mlops_registry::UriError),
    #[error(transparent)]
    Serve(#[from] mlops_serve::Error),
    #[error("the service did not take the new models")]
    Reload(#[from] mlops_serve::ReloadError),
    #[error(transparent)]
    Telemetry(#[from] mlops_telemetry::Error),
    #[error(transparent)]
    Audit(#[from] mlops_telemetry::AuditError),
    #[error("{} cannot be read or written", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the {part} model `{uri}` cannot be served")]
    Served { part: &'static str, uri: String, source: Box<Self> },
    #[error(
        "this program was built for directories alone; for MLflow's servers build it with `--features mlflow`"
    )]
    WithoutServers { source: mlops_registry::Error },
    #[error("the {part} model `{uri}` cannot be promoted")]
    Promoted { part: &'static str, uri: String, source: Box<Self> },
    #[error("in {place}; `--store` or `MLFLOW_TRACKING_URI` may name another")]
    Place { place: String, source: mlops_registry::Error },
    #[error("neither of this project nor saved by `mlflow.sklearn`")]
    Flavor { source: mlops_core::ModelError },
    #[error("{} has more than a megabyte, too much for a configuration", path.display())]
    ConfigurationSize { path: PathBuf },
    #[error("{} is not a configuration", path.display())]
    Configuration { path: PathBuf, source: serde_json::Error },
    #[error("cannot listen on {address}")]
    Listen { address: String, source: io::Error },
    #[error("{} holds no API keys", path.display())]
    ApiKeys { path: PathBuf, source: mlops_serve::ApiKeysError },
    #[error("the files of `--tls-certificate` and `--tls-key` cannot be used")]
    Tls(#[from] mlops_serve::TlsError),
    #[error("cannot start the service's threads")]
    Runtime(#[source] io::Error),
    #[error("the service did not answer")]
    Request(#[from] ureq::Error),
    #[error("the service answered with something else than predictions")]
    Answer(#[source] serde_json::Error),
    #[error("the configuration names no models")]
    NoModels,
    #[error("{} is not there: the model does not tell which wines it knows, as those of `train` and `retrain` do", path.display())]
    NoKnownWines { path: PathBuf },
    #[error("{}, line {line} names no wine and its part", path.display())]
    NotAKnownWine { path: PathBuf, line: usize },
    #[error("the model does not read wines: its features are others, or stand in another order")]
    NotOfWines,
    #[error("{} cannot be read as labels", path.display())]
    Labels { path: PathBuf, source: mlops_pipeline::labels::LabelError },
    #[error("another process is retraining the models of {}", path.display())]
    Retraining { path: PathBuf },
    #[error(
        "the new models are registered with the alias `{alias}`, and {} does not name them; retrain once more, or write \
         it by hand: {configuration}",
        path.display()
    )]
    NotNamed { path: PathBuf, alias: &'static str, configuration: String, source: Box<Self> },
    #[error("another process is training with {}", path.display())]
    InUse { path: PathBuf },
    #[error("neither `XDG_STATE_HOME` nor `HOME` says where to keep what the search has found")]
    NoHome,
    #[error(transparent)]
    Evaluation(#[from] mlops_pipeline::evaluation::EvaluationError),
    #[error(transparent)]
    Report(#[from] mlops_pipeline::report::ReportError),
    #[error("the random forest that boosters are compared with cannot be fitted")]
    Baseline(#[from] smartcore::error::Failed),
    #[error(transparent)]
    Filter(#[from] mlops_registry::FilterError),
    #[error("the search for parameters came to nothing")]
    Search(#[source] Box<SearchError<Self>>),
    #[error("{n_lost} of the values that a run logged are lost")]
    Unlogged { n_lost: u64, source: Option<Arc<mlops_registry::Error>> },
    #[error("{} cannot be scored", path.display())]
    Score { path: PathBuf, source: Box<mlops_pipeline::BatchError> },
    #[error(
        "`--format` should say what the rows are: the names of input and output do not end in `.csv`, `.jsonl`, \
         `.ndjson` or `.parquet`, or not in the same"
    )]
    Format,
    #[cfg(feature = "parquet")]
    #[error("Parquet is read from its end, so `--input` should name a file")]
    ParquetStdin,
    #[cfg(not(feature = "parquet"))]
    #[error("this program was built without Parquet; build it with `--features parquet`")]
    WithoutParquet,
    #[error("the demo did not show what it should")]
    Demo,
    #[error("the simulation did not show what it should")]
    Simulation,
    #[error("{} holds something already; name another folder with `--output`", path.display())]
    NotEmpty { path: PathBuf },
    #[error("the monitor has seen {seen} of {answered} rows")]
    MonitorBehind { seen: usize, answered: usize },
}

impl Error {
    pub(crate) fn served(part: &'static str, uri: &str, source: Self) -> Self {
        Self::Served { part, uri: uri.to_owned(), source: Box::new(source) }
    }

    /// Why a run does not have all that was logged.
    pub(crate) fn unlogged(report: LoggerReport) -> Self {
        let n_lost = report.dropped + report.failed + report.pending;
        Self::Unlogged { n_lost, source: report.error }
    }

    /// Why the store or server that the environment names cannot be used.
    pub(crate) fn of_environment(source: mlops_registry::Error) -> Self {
        if source.is_unsupported() && !cfg!(feature = "mlflow") {
            Self::WithoutServers { source }
        } else {
            source.into()
        }
    }

    /// What a trial failed of, or else why the search did.
    pub(crate) fn search(error: SearchError<Self>) -> Self {
        match error {
            SearchError::Objective { source, .. } => source,
            error => Self::Search(Box::new(error)),
        }
    }

    pub(crate) fn promoted(part: &'static str, uri: &str, source: Self) -> Self {
        Self::Promoted { part, uri: uri.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }

    /// The error and what caused it, on one line.
    pub(crate) fn chain(&self) -> String {
        chain(self)
    }
}

/// An error and what caused it, on one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += ": ";
        text += &error.to_string();
        cause = error.source();
    }
    text
}
