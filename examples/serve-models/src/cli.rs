use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use mlops_telemetry::LineFormat;

/// Serves directories of models over HTTP: what `mlflow.xgboost` or this project saved.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    /// A directory, or NAME=DIR; without a name, that of the directory. `/predict` and `/invocations` ask the first.
    #[arg(required = true, value_name = "MODEL", value_parser = model)]
    pub(crate) models: Vec<Named>,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5000")]
    pub(crate) listen: String,
    /// Tests the requests to a model for drift; of this project's making or of alibi-detect's.
    #[arg(long, value_name = "NAME=DIR", value_parser = detector)]
    pub(crate) drift: Vec<Named>,
    /// Looks for outliers in the requests to a model; of this project's making or of scikit-learn's.
    #[arg(long, value_name = "NAME=DIR", value_parser = detector)]
    pub(crate) outliers: Vec<Named>,
    /// How p-values of drift are computed.
    #[arg(long, value_enum, default_value_t = PValues::Exact)]
    pub(crate) p_values: PValues,
    /// The lines on stdout about each request.
    #[arg(long, value_enum, default_value_t = Lines::Compact)]
    pub(crate) telemetry: Lines,
}

/// A directory, and the name of the model that it is or that it watches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PValues {
    /// Exactly, wherever that can be done.
    Exact,
    /// With the approximations of alibi-detect, to its numbers.
    Alibi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Lines {
    /// One JSON object.
    Compact,
    /// Three, as the original service wrote them.
    Original,
    /// None.
    None,
}

impl Lines {
    pub(crate) fn format(self) -> Option<LineFormat> {
        match self {
            Self::Compact => Some(LineFormat::Compact),
            Self::Original => Some(LineFormat::Original),
            Self::None => None,
        }
    }
}

fn model(text: &str) -> Result<Named, String> {
    if text.contains('=') {
        return detector(text);
    }
    let dir = PathBuf::from(text);
    let name = dir.file_name().ok_or("its directory gives no name: write NAME=DIR")?;
    let name = name.to_string_lossy().into_owned();
    Ok(Named { name, dir })
}

fn detector(text: &str) -> Result<Named, String> {
    let (name, dir) = text.split_once('=').ok_or("expected NAME=DIR")?;
    if name.is_empty() || dir.is_empty() {
        return Err("expected NAME=DIR".to_owned());
    }
    Ok(Named { name: name.to_owned(), dir: Path::new(dir).to_owned() })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_model_is_called_as_asked_or_after_its_directory() {
        let named = |name: &str, dir: &str| Named { name: name.to_owned(), dir: dir.into() };
        assert_eq!(model("models/wines/"), Ok(named("wines", "models/wines/")));
        assert_eq!(model("a=models/b=c"), Ok(named("a", "models/b=c")));
        assert_eq!(detector("a=b"), Ok(named("a", "b")));
        for text in ["..", "/", "=b", "a="] {
            model(text).unwrap_err();
        }
        detector("b").unwrap_err();
    }
}
