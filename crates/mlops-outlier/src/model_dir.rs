use mlops_core::{
    LoadContext, LoadModel, ModelDir, ModelDirWriter, ModelError, ModelErrorKind, SaveModel,
    TensorSpec,
};
use mlops_pyobject::sklearn::SavedModel;
use serde::Deserialize;
use serde_json::json;

use crate::{Error, IsolationForest, sklearn};

const FLAVOR: &str = "mlops_isolation_forest";
const FILE: &str = "isolation_forest.json";

/// The configuration of the flavor.
#[derive(Deserialize)]
struct Flavor {
    data: String,
}

/// Writes `isolation_forest.json` and the flavor `mlops_isolation_forest`, also for a forest that
/// Python fitted. A forest that is read again gives scores with the same bits.
impl SaveModel for IsolationForest {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file(FILE, &self.to_json())?;
        dir.flavor(FLAVOR, json!({"data": FILE}));
        dir.schema(self.schema(), &TensorSpec::per_row("float64"))
    }
}

/// Reads what [`SaveModel`] wrote, and what `mlflow.sklearn` saved. A directory of Python's rarely
/// says what the columns are: then the context has to.
impl LoadModel for IsolationForest {
    fn load(dir: &ModelDir, context: &LoadContext) -> Result<Self, ModelError> {
        let schema = || {
            let schema = context.schema_of(dir)?;
            schema.ok_or_else(|| ModelError::malformed(dir.path(), Error::MissingSchema))
        };
        if let Some(Flavor { data }) = dir.flavor(FLAVOR)? {
            let forest = Self::from_json(&dir.read(&data)?, schema()?);
            return forest.map_err(|error| {
                let kind = match error {
                    Error::ForeignFormat | Error::FormatVersion { .. } => {
                        ModelErrorKind::Unsupported { what: "a file of another format or version" }
                    }
                    _ => ModelErrorKind::Malformed,
                };
                ModelError::new(kind, dir.path().join(data)).with_source(error)
            });
        }
        if SavedModel::is_in(dir) {
            let saved = SavedModel::read(dir)?;
            let forest = sklearn::from_graph(saved.graph(), schema()?);
            return forest.map_err(|error| saved.malformed(error));
        }
        let kind = ModelErrorKind::MissingFlavor { expected: FLAVOR };
        Err(ModelError::new(kind, dir.path()))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::sync::Arc;

    use super::*;
    use crate::testing::{normal, records};

    /// A directory in which a flavor names a file with this content.
    struct Bare(&'static str, Vec<u8>);

    impl SaveModel for Bare {
        fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
            dir.flavor(self.0, json!({"data": FILE}));
            dir.file(FILE, &self.1)
        }
    }

    fn small() -> IsolationForest {
        IsolationForest::params().n_estimators(3).fit(&records(normal(20, 2, 1))).unwrap()
    }

    #[test]
    fn a_directory_holds_a_forest_and_its_schema() {
        let forest = small();
        let temporary = tempfile::tempdir().unwrap();
        let dir = ModelDir::create(temporary.path().join("model"), &forest).unwrap();
        assert_eq!(dir.flavors().collect::<Vec<_>>(), ["mlops_isolation_forest"]);
        let read = IsolationForest::load(&dir, &LoadContext::new()).unwrap();
        assert_eq!(read.schema(), forest.schema());
        assert_eq!(read.to_json(), forest.to_json());
    }

    #[test]
    fn a_directory_without_the_flavor_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let bare = Bare("pytorch", vec![]);
        let dir = ModelDir::create(temporary.path().join("model"), &bare).unwrap();
        let error = IsolationForest::load(&dir, &LoadContext::new()).unwrap_err();
        assert_eq!(error.kind(), &ModelErrorKind::MissingFlavor { expected: FLAVOR });
    }

    #[test]
    fn without_a_signature_the_context_tells_the_schema() {
        let forest = small();
        let temporary = tempfile::tempdir().unwrap();
        let bare = Bare(FLAVOR, forest.to_json());
        let dir = ModelDir::create(temporary.path().join("model"), &bare).unwrap();
        let error = IsolationForest::load(&dir, &LoadContext::new()).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), Error::MissingSchema.to_string());
        let context = LoadContext::new().schema(Arc::clone(forest.schema()));
        assert_eq!(IsolationForest::load(&dir, &context).unwrap().trees(), forest.trees());
    }

    #[test]
    fn a_file_of_another_version_is_unsupported() {
        let forest = small();
        let temporary = tempfile::tempdir().unwrap();
        let header = br#"{"format":"mlops-isolation-forest","format_version":9}"#;
        let bare = Bare(FLAVOR, header.to_vec());
        let dir = ModelDir::create(temporary.path().join("model"), &bare).unwrap();
        let context = LoadContext::new().schema(Arc::clone(forest.schema()));
        let error = IsolationForest::load(&dir, &context).unwrap_err();
        assert!(matches!(error.kind(), ModelErrorKind::Unsupported { .. }));
        assert_eq!(error.source().unwrap().to_string(), "format version 9, expected 2");
    }
}
