use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Description, MLMODEL, SCHEMA_KEY};
use crate::{ModelError, Schema, Signature, TensorSpec, yaml};

/// Collects what a model writes into its directory; the `MLmodel` file is written last.
#[derive(Debug)]
pub struct ModelDirWriter {
    pub(super) path: PathBuf,
    pub(super) description: Description,
}

const PYTHON: &str = "3.11";

impl ModelDirWriter {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), description: Description::default() }
    }

    /// Writes a file of the directory.
    ///
    /// # Errors
    /// [`ModelError`] if the file cannot be written.
    pub fn file(&mut self, name: &str, content: &[u8]) -> Result<(), ModelError> {
        let path = self.path.join(name);
        fs::write(&path, content).map_err(|error| ModelError::io(&path, error))
    }

    /// Sets the configuration of a flavor.
    pub fn flavor(&mut self, name: &str, configuration: Value) {
        self.description.flavors.insert(name.to_owned(), configuration);
    }

    /// Sets the flavor by which `mlflow.pyfunc` loads the model, with the files by which MLflow sets up an environment for
    /// it: `data` is the file that the Python module `loader_module` loads, and `requirements` are lines for `pip`.
    ///
    /// # Errors
    /// [`ModelError`] if a file cannot be written.
    pub fn python_function(
        &mut self,
        data: &str,
        loader_module: &str,
        requirements: &[&str],
    ) -> Result<(), ModelError> {
        let lines = |indent: &str| {
            requirements.iter().flat_map(|line| [indent, *line, "\n"]).collect::<String>()
        };
        let python_env = format!(
            "python: '{PYTHON}'\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
        );
        let conda = format!(
            "name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n- python={PYTHON}\n- pip\n- pip:\n{}",
            lines("  - ")
        );
        self.file("requirements.txt", lines("").as_bytes())?;
        self.file("python_env.yaml", python_env.as_bytes())?;
        self.file("conda.yaml", conda.as_bytes())?;
        self.flavor(
            "python_function",
            json!({
                "data": data,
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": loader_module,
                "python_version": PYTHON,
            }),
        );
        Ok(())
    }

    /// Sets what the model reads and what it answers.
    ///
    /// # Errors
    /// [`ModelError`] if the schema cannot be written as JSON.
    pub fn schema(&mut self, schema: &Schema, output: &TensorSpec) -> Result<(), ModelError> {
        let json = serde_json::to_value(schema)
            .map_err(|error| ModelError::malformed(&self.path, error))?;
        self.description.metadata.get_or_insert_default().insert(SCHEMA_KEY.to_owned(), json);
        self.description.signature = Some(Signature::new(schema, output));
        Ok(())
    }

    /// Sets what MLflow is told about inputs and outputs, where that is not what [`schema`](Self::schema) says: a model
    /// in another form may want its columns as other types.
    pub fn signature(&mut self, signature: Signature) {
        self.description.signature = Some(signature);
    }

    pub(super) fn finish(self) -> Result<Description, ModelError> {
        let path = self.path.join(MLMODEL);
        let text = yaml::to_string(&self.description)
            .map_err(|error| ModelError::malformed(&path, error))?;
        fs::write(&path, text).map_err(|error| ModelError::io(&path, error))?;
        Ok(self.description)
    }
}
