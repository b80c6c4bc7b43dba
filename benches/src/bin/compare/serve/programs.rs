use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use mlops_benches::{peers_python, program};

use crate::program::peers;

/// What the services are started with.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The folder of the models.
    pub(crate) models: PathBuf,
    serve_models: PathBuf,
    python: PathBuf,
    /// The Python that has MLServer.
    mlserver: Option<PathBuf>,
    /// Where peers may write.
    work: PathBuf,
}

const DISTRIBUTIONS: [&str; 9] = [
    "alibi-detect",
    "bentoml",
    "fastapi",
    "mlflow",
    "mlserver",
    "numpy",
    "scikit-learn",
    "uvicorn",
    "xgboost-cpu",
];
/// Prints the versions of its arguments that are there.
const VERSIONS: &str = "\
import sys, json, importlib.metadata as metadata
names = {each.metadata['Name'].lower(): each.version for each in metadata.distributions()}
print(json.dumps({name: names[name] for name in sys.argv[1:] if name in names}))";

impl Programs {
    /// Has Cargo compile ours beside this program.
    #[expect(clippy::disallowed_methods, reason = "the program's settings")]
    pub(crate) fn find(work: &Path) -> Result<Self, Box<dyn Error>> {
        // Peers run in other folders.
        let python = std::path::absolute(peers_python("requirements-serve.txt")?)?;
        let mlserver = std::env::var("MLSERVER_PYTHON").ok();
        let mlserver = mlserver.map(std::path::absolute).transpose()?;
        let fixtures = std::env::var("MLOPS_FIXTURES");
        let fixtures = fixtures.map_err(|_| "MLOPS_FIXTURES names no folder with the models")?;
        let models = std::path::absolute(Path::new(&fixtures).join("seed_models"))?;
        let serve_models = program::build("serve-models")?;
        Ok(Self { models, serve_models, python, mlserver, work: std::path::absolute(work)? })
    }

    pub(crate) fn ours(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.serve_models);
        command.arg("wine_quality").args(args).current_dir(&self.models);
        command
    }

    /// A module of Python, in the folder of the services.
    pub(crate) fn python(&self, args: &[&str]) -> Command {
        let mut command = self.peer(&self.python);
        command.arg("-m").args(args).current_dir(peers().join("serve"));
        command
    }

    /// MLServer, in the folder of its model.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn mlserver(&self, args: &[&str]) -> Result<Command, Box<dyn Error>> {
        let python = self.mlserver.as_ref().ok_or(
            "MLSERVER_PYTHON names no Python with benches/peers/requirements-serve-mlserver.txt",
        )?;
        let mut command = self.peer(python);
        // The package has no `__main__`.
        command.args(["-c", "from mlserver.cli import main; main()"]).args(args);
        command.current_dir(peers().join("serve/mlserver"));
        Ok(command)
    }

    fn peer(&self, python: &Path) -> Command {
        let mut command = Command::new(python);
        // Programs of the same environment are found first.
        let mut path = OsString::from(python.parent().unwrap_or_else(|| Path::new(".")));
        if let Some(others) = std::env::var_os("PATH") {
            path.push(":");
            path.push(others);
        }
        command.env("PATH", path).env("SEED_MODELS", &self.models);
        command.env("BENTOML_HOME", self.work.join("bentoml"));
        // Nobody is told about it.
        for variable in ["BENTOML_DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"] {
            command.env(variable, "true");
        }
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Of this project and of what the peers are made of.
    pub(crate) fn versions(&self) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
        let mut versions = BTreeMap::new();
        for python in [Some(&self.python), self.mlserver.as_ref()].into_iter().flatten() {
            let mut command = Command::new(python);
            let output = command.args(["-c", VERSIONS]).args(DISTRIBUTIONS).output()?;
            let found: BTreeMap<String, String> = serde_json::from_slice(&output.stdout)?;
            for (name, version) in found {
                versions.entry(name).or_insert(version);
            }
        }
        versions.insert("mlops-serve".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Ok(versions)
    }
}
