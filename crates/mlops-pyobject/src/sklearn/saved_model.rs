use std::error::Error as StdError;
use std::path::PathBuf;

use mlops_core::{ModelDir, ModelError, ModelErrorKind};
use serde::Deserialize;

use crate::{Graph, Limits, Object, read};

/// What `mlflow.sklearn` saved into a model directory: a pickle or skops file, read and not run.
#[derive(Debug)]
pub struct SavedModel {
    path: PathBuf,
    graph: Graph,
}

/// The part of the flavor that says where the file is.
#[derive(Deserialize)]
struct Flavor {
    pickled_model: String,
}

impl SavedModel {
    /// Reads the file that the flavor `sklearn` of `dir` names, within the default limits.
    ///
    /// # Errors
    /// [`ModelError`] if the directory does not have the flavor, or the file is not there or
    /// malformed.
    ///
    /// # Examples
    /// ```
    /// use mlops_core::ModelDir;
    /// use mlops_pyobject::sklearn::SavedModel;
    ///
    /// # let folder = std::env::temp_dir().join(format!("mlops-pyobject-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// std::fs::write(folder.join("MLmodel"), "flavors: {sklearn: {pickled_model: model.pkl}}")?;
    /// std::fs::write(folder.join("model.pkl"), b"csklearn.pipeline\nPipeline\n)\x81.")?;
    /// let saved = SavedModel::read(&ModelDir::open(&folder)?)?;
    /// assert!(saved.graph().root().is_instance("sklearn", "Pipeline"));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(dir: &ModelDir) -> Result<Self, ModelError> {
        let kind = ModelErrorKind::MissingFlavor { expected: FLAVOR };
        let flavor: Flavor =
            dir.flavor(FLAVOR)?.ok_or_else(|| ModelError::new(kind, dir.path()))?;
        let path = dir.file(&flavor.pickled_model)?;
        let bytes = dir.read(&flavor.pickled_model)?;
        match read(&bytes, &Limits::default()) {
            Ok(graph) => Ok(Self { path, graph }),
            Err(error) => Err(ModelError::malformed(path, error)),
        }
    }

    /// Whether `dir` holds what `mlflow.sklearn` saved.
    pub fn is_in(dir: &ModelDir) -> bool {
        dir.flavors().any(|flavor| flavor == FLAVOR)
    }

    /// The objects of the file.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The object that was saved.
    pub fn root(&self) -> Object<'_> {
        self.graph.root()
    }

    /// An error that says that the file is not what its reader expects, and why.
    pub fn malformed(&self, error: impl StdError + Send + Sync + 'static) -> ModelError {
        ModelError::malformed(&self.path, error)
    }
}

/// The flavor of MLflow's `MLmodel` file.
const FLAVOR: &str = "sklearn";
