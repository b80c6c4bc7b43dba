use std::sync::Arc;

use mlops_core::{
    LoadContext, LoadModel, ModelDir, ModelDirWriter, ModelError, ModelErrorKind, SaveModel,
    Schema, TensorSpec,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::TabularDrift;
use crate::reference::{FeatureReference, Reference};
use crate::{Alpha, Error};

const FLAVOR: &str = "mlops_drift";
const FILE: &str = "drift_reference.json";
const FORMAT: &str = "mlops_drift.tabular_drift";
const FORMAT_VERSION: u32 = 1;

/// The configuration of the flavor.
#[derive(Deserialize)]
struct Flavor {
    data: String,
}

/// What stands first in the file, in every version.
#[derive(Deserialize)]
struct Header {
    format: String,
    format_version: u32,
}

/// The file of version 1.
#[derive(Deserialize, Serialize)]
struct Stored {
    format: String,
    format_version: u32,
    alpha: Alpha,
    features: Vec<FeatureReference>,
}

impl SaveModel for TabularDrift {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        let stored = Stored {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            alpha: self.alpha,
            features: self.reference.features.clone(),
        };
        let json =
            serde_json::to_vec(&stored).map_err(|error| ModelError::malformed(FILE, error))?;
        dir.file(FILE, &json)?;
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
        let malformed = |error: serde_json::Error| ModelError::malformed(&path, error);
        let header: Header = serde_json::from_slice(&json).map_err(malformed)?;
        if header.format != FORMAT {
            let what = "a format other than that of tabular drift";
            return Err(ModelError::new(ModelErrorKind::Unsupported { what }, &path));
        }
        if header.format_version != FORMAT_VERSION {
            let what = "another version of the format";
            return Err(ModelError::new(ModelErrorKind::Unsupported { what }, &path));
        }
        let stored: Stored = serde_json::from_slice(&json).map_err(malformed)?;
        let schema = match context.schema_of(dir)? {
            Some(schema) if has_features(&schema, &stored.features) => schema,
            _ => return Err(ModelError::malformed(&path, Error::FeatureMismatch)),
        };
        Ok(Self { schema, alpha: stored.alpha, reference: Reference { features: stored.features } })
    }
}

fn has_features(schema: &Arc<Schema>, features: &[FeatureReference]) -> bool {
    schema.names().eq(features.iter().map(FeatureReference::feature))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mlops_core::{DriftDetector, Feature, Records};
    use ndarray::array;

    use super::*;

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
        let text = fs::read_to_string(path.join(FILE)).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"format":"mlops_drift.tabular_drift","format_version":1,"alpha":0.01,"features":["#,
                r#"{"feature":"alcohol","scale":"numeric","n_missing":1,"#,
                r#""values":[0.30000000000000004,9.4],"counts":[1,1]},"#,
                r#"{"feature":"is_red","scale":"categorical","n_missing":0,"#,
                r#""values":[0.0,1.0],"counts":[2,1]}]}"#,
            )
        );
    }

    #[test]
    fn a_file_that_promises_something_else_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        ModelDir::create(&path, &detector()).unwrap();
        let text = fs::read_to_string(path.join(FILE)).unwrap();
        let load = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            fs::write(path.join(FILE), text.replace(from, to)).unwrap();
            let dir = ModelDir::open(&path).unwrap();
            TabularDrift::load(&dir, &LoadContext::new()).unwrap_err().kind().clone()
        };
        let unsupported = |kind| matches!(kind, ModelErrorKind::Unsupported { .. });
        assert!(unsupported(load("\"format_version\":1", "\"format_version\":2")));
        assert!(unsupported(load("mlops_drift.tabular_drift", "pickle")));
        for (from, to) in [
            ("0.30000000000000004,9.4", "9.4,0.3"),
            ("\"counts\":[2,1]", "\"counts\":[2,0]"),
            ("\"counts\":[2,1]", "\"counts\":[2]"),
            ("\"alpha\":0.01", "\"alpha\":1.0"),
            ("\"feature\":\"is_red\"", "\"feature\":\"is_white\""),
            ("9.4", "1e999"),
        ] {
            assert_eq!(load(from, to), ModelErrorKind::Malformed, "{from} {to}");
        }
    }
}
