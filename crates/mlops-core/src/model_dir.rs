mod files;
mod input_example;
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ModelError, ModelErrorKind, SaveModel, Schema, Signature, durable, yaml};

pub use files::ModelFile;
pub use input_example::WithInputExample;
pub use writer::ModelDirWriter;

const MLMODEL: &str = "MLmodel";
const MAX_FILE_BYTES: u64 = 1 << 30;
/// The key of `metadata` under which the full schema stands; a signature has no ranges and no levels.
const SCHEMA_KEY: &str = "mlops.schema";

/// A directory with an `MLmodel` file, as MLflow saves models.
#[derive(Clone, Debug)]
pub struct ModelDir {
    path: PathBuf,
    description: Description,
}

/// The content of an `MLmodel` file. Keys that are not read here are kept out of the way of the others.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Description {
    flavors: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    saved_input_example_info: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
}

impl ModelDir {
    /// Reads the `MLmodel` file of the directory at `path`, YAML or JSON, of MLflow 1 to 3.
    ///
    /// # Errors
    /// [`ModelError`] if the file is not there or malformed.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ModelError> {
        let path = path.into();
        let file = path.join(MLMODEL);
        let text = fs::read_to_string(&file).map_err(|error| ModelError::io(&file, error))?;
        let description =
            yaml::from_str(&text).map_err(|error| ModelError::malformed(&file, error))?;
        Ok(Self { path, description })
    }

    /// Writes `model` into a new directory at `path`, whole or not at all.
    ///
    /// # Errors
    /// [`ModelError`] if the directory is there already and not empty, or cannot be written.
    pub fn create(path: impl Into<PathBuf>, model: &impl SaveModel) -> Result<Self, ModelError> {
        let path = path.into();
        let mut description = Description::default();
        durable::create_dir(&path, |temporary| {
            let mut writer = ModelDirWriter::new(temporary);
            model.save(&mut writer).map_err(Failure::Model)?;
            description = writer.finish().map_err(Failure::Model)?;
            Ok(())
        })
        .map_err(|failure| match failure {
            Failure::Model(error) => error,
            Failure::Io(error) => ModelError::io(&path, error),
        })?;
        Ok(Self { path, description })
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the flavors, sorted.
    pub fn flavors(&self) -> impl Iterator<Item = &str> {
        self.description.flavors.keys().map(String::as_str)
    }

    /// The configuration of the flavor called `name`, if the directory has it.
    ///
    /// # Errors
    /// [`ModelError`] if the configuration is not a `T`.
    pub fn flavor<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ModelError> {
        let Some(configuration) = self.description.flavors.get(name) else { return Ok(None) };
        T::deserialize(configuration).map(Some).map_err(|error| self.malformed(error))
    }

    /// The path of a file of the directory.
    ///
    /// # Errors
    /// [`ModelError`] if `relative` leads out of the directory or the file is not there.
    pub fn file(&self, relative: &str) -> Result<PathBuf, ModelError> {
        let path = self.path.join(relative);
        let stays =
            Path::new(relative).components().all(|part| matches!(part, Component::Normal(_)));
        if !stays {
            return Err(ModelError::malformed(path, "it leads out of the model's directory"));
        }
        if path.is_file() {
            Ok(path)
        } else if path.exists() {
            Err(ModelError::malformed(path, "it is no file"))
        } else {
            Err(ModelError::new(ModelErrorKind::NotFound, path))
        }
    }

    /// Reads a file of the directory.
    ///
    /// # Errors
    /// [`ModelError`] as [`ModelDir::file`], or if the file cannot be read or has more than 1 GiB, which no model of
    /// tabular data has.
    pub fn read(&self, relative: &str) -> Result<Vec<u8>, ModelError> {
        let path = self.file(relative)?;
        let failed = |error| ModelError::io(&path, error);
        if fs::metadata(&path).map_err(failed)?.len() > MAX_FILE_BYTES {
            let what = "a file above 1 GiB";
            return Err(ModelError::new(ModelErrorKind::Unsupported { what }, &path));
        }
        fs::read(&path).map_err(failed)
    }

    /// The model's signature, if it has one.
    pub fn signature(&self) -> Option<&Signature> {
        self.description.signature.as_ref()
    }

    /// The schema of the model's inputs, if the directory tells it: with ranges and levels where this project wrote
    /// the directory, else as the signature has it.
    ///
    /// # Errors
    /// [`ModelError`] if schema or signature are malformed.
    pub fn schema(&self) -> Result<Option<Schema>, ModelError> {
        let metadata = self.description.metadata.as_ref();
        if let Some(schema) = metadata.and_then(|metadata| metadata.get(SCHEMA_KEY)) {
            return Schema::deserialize(schema).map(Some).map_err(|error| self.malformed(error));
        }
        self.signature().map_or(Ok(None), Signature::schema).map_err(|error| self.malformed(error))
    }

    /// The run that logged the model, if it is known.
    pub fn run_id(&self) -> Option<&str> {
        self.description.run_id.as_deref()
    }

    fn malformed(&self, source: serde_json::Error) -> ModelError {
        ModelError::malformed(self.path.join(MLMODEL), source)
    }
}

enum Failure {
    Model(ModelError),
    Io(std::io::Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Feature, Range, TensorSpec};

    struct Constant(Schema);

    impl SaveModel for Constant {
        fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
            dir.file("model.json", b"7")?;
            dir.flavor("constant", json!({"data": "model.json"}));
            dir.schema(&self.0, &TensorSpec::per_row("float64"))
        }
    }

    fn schema() -> Schema {
        Schema::new(vec![Feature::numeric("alcohol").with_range(Range::of([8.0, 14.9]).unwrap())])
            .unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        ModelDir::create(&path, &Constant(schema())).unwrap();
        let dir = ModelDir::open(&path).unwrap();
        assert_eq!(dir.flavor::<Value>("constant").unwrap(), Some(json!({"data": "model.json"})));
        assert_eq!(dir.flavor::<Value>("xgboost").unwrap(), None);
        assert_eq!(dir.schema().unwrap(), Some(schema()));
        assert_eq!(dir.read("model.json").unwrap(), b"7");
        insta::assert_snapshot!(fs::read_to_string(path.join(MLMODEL)).unwrap(), @r#"
        flavors:
          constant:
            data: 'model.json'
        metadata:
          mlops.schema:
          - kind: 'numeric'
            name: 'alcohol'
            range:
              max: 14.9
              min: 8.0
        signature:
          inputs: '[{"name":"alcohol","required":true,"type":"double"}]'
          outputs: '[{"tensor-spec":{"dtype":"float64","shape":[-1]},"type":"tensor"}]'
          params: null
        "#);
    }

    #[test]
    fn a_directory_is_not_overwritten() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        ModelDir::create(&path, &Constant(schema())).unwrap();
        assert_eq!(
            ModelDir::create(&path, &Constant(schema())).unwrap_err().kind(),
            &ModelErrorKind::Io
        );
    }

    #[test]
    fn files_outside_of_the_directory_are_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        let dir = ModelDir::create(&path, &Constant(schema())).unwrap();
        for relative in ["../model/model.json", "/etc/hostname", "./../x", ""] {
            assert!(dir.file(relative).is_err(), "{relative}");
        }
        assert!(dir.file("absent").unwrap_err().is_not_found());
    }

    #[test]
    fn a_missing_or_malformed_description_is_an_error() {
        let temporary = tempfile::tempdir().unwrap();
        assert!(ModelDir::open(temporary.path()).unwrap_err().is_not_found());
        for text in ["", "flavors: 7", "flavours: {}", "a: [", "\u{0}"] {
            fs::write(temporary.path().join(MLMODEL), text).unwrap();
            let error = ModelDir::open(temporary.path()).unwrap_err();
            assert_eq!(error.kind(), &ModelErrorKind::Malformed, "{text:?}");
        }
    }
}
