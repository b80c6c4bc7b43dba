use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the {part} in {} cannot be served", dir.display())]
    Part { part: &'static str, dir: PathBuf, source: Box<Self> },
    #[error(transparent)]
    Model(#[from] mlops_core::ModelError),
    #[error(transparent)]
    Drift(#[from] mlops_drift::Error),
    #[error("the option --{option} names a model `{name}`, which is not served")]
    UnknownModel { option: &'static str, name: String },
    #[error("the option --{option} stands twice for the model `{name}`")]
    SecondDetector { option: &'static str, name: String },
    #[error("no model is named")]
    NoModel,
    #[error(transparent)]
    Serve(#[from] mlops_serve::Error),
    #[error(transparent)]
    Telemetry(#[from] mlops_telemetry::Error),
    #[error("cannot listen on {address}")]
    Listen { address: String, source: io::Error },
    #[error("cannot start the service's threads")]
    Runtime(#[source] io::Error),
}

impl Error {
    /// The error and what caused it, on one line.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text += ": ";
            text += &error.to_string();
            cause = error.source();
        }
        text
    }
}
