use mlops_core::{
    LoadContext, LoadModel, ModelDir, ModelDirWriter, ModelError, ModelErrorKind, SaveModel,
    TensorSpec,
};
use serde::Deserialize;
use serde_json::json;

use super::TabularDrift;
use crate::Error;

const FLAVOR: &str = "mlops_drift";
const FILE: &str = "drift_reference.json";

/// The configuration of the flavor.
#[derive(Deserialize)]
struct Flavor {
    data: String,
}

impl SaveModel for TabularDrift {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file(FILE, &self.to_json())?;
        dir.flavor(FLAVOR, json!({"data": FILE}));
        // One p-value per feature.
        dir.schema(&self.schema, &TensorSpec::per_row("float64"))
    }
}

impl LoadModel for TabularDrift {
    fn load(dir: &ModelDir, context: &LoadContext) -> Result<Self, ModelError> {
        let missing =
            || ModelError::new(ModelErrorKind::MissingFlavor { expected: FLAVOR }, dir.path());
        let flavor: Flavor = dir.flavor(FLAVOR)?.ok_or_else(missing)?;
        let path = dir.file(&flavor.data)?;
        let json = dir.read(&flavor.data)?;
        let schema = context
            .schema_of(dir)?
            .ok_or_else(|| ModelError::malformed(&path, Error::MissingSchema))?;
        Self::from_json(&json, schema).map_err(|error| {
            let kind = match error {
                Error::UnknownFormat | Error::FormatVersion { .. } => {
                    ModelErrorKind::Unsupported { what: "a file of another format or version" }
                }
                _ => ModelErrorKind::Malformed,
            };
            ModelError::new(kind, &path).with_source(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;
    use std::sync::Arc;

    use mlops_core::{DriftDetector, Feature, Records, Schema};
    use ndarray::array;

    use super::*;
    use crate::Alpha;

    fn detector() -> TabularDrift {
        let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red")];
        let schema = Arc::new(Schema::new(features).unwrap());
        let values = array![[9.4, 1.0], [0.1 + 0.2, 0.0], [f64::NAN, 0.0]];
        let reference = Records::new(schema, values).unwrap();
        let builder = TabularDrift::builder().alpha(Alpha::new(0.01).unwrap());
        builder.categorical(["is_red"]).fit(&reference).unwrap()
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        ModelDir::create(&path, &detector()).unwrap();
        let dir = ModelDir::open(&path).unwrap();
        let loaded = TabularDrift::load(&dir, &LoadContext::new()).unwrap();
        assert_eq!(loaded, detector());
        let batch = Records::new(Arc::clone(loaded.schema()), array![[9.0, 1.0]]).unwrap();
        assert_eq!(loaded.detect(&batch).unwrap(), detector().detect(&batch).unwrap());
    }

    #[test]
    fn what_is_no_detector_of_this_version_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        ModelDir::create(&path, &detector()).unwrap();
        let text = fs::read_to_string(path.join(FILE)).unwrap();
        let load = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            fs::write(path.join(FILE), text.replace(from, to)).unwrap();
            let dir = ModelDir::open(&path).unwrap();
            TabularDrift::load(&dir, &LoadContext::new()).unwrap_err()
        };
        let error = load("\"format_version\":2", "\"format_version\":1");
        assert!(matches!(error.kind(), ModelErrorKind::Unsupported { .. }), "{error}");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "the stored detector has format version 1, expected 2");
        assert_eq!(*load("9.4", "1e999").kind(), ModelErrorKind::Malformed);
        let error = load("\"is_red\"", "\"is_white\"");
        assert_eq!(error.source().unwrap().to_string(), Error::FeatureMismatch.to_string());
    }
}
