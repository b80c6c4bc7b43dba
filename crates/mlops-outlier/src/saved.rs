use std::path::Path;
use std::sync::Arc;

use mlops_core::{
    LoadContext, LoadModel, ModelDir, ModelDirWriter, ModelError, ModelErrorKind, OutlierDetector,
    SaveModel, Schema, StandardScaler, TensorSpec,
};
use mlops_forest::{Node, Side};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::tree::Tree;
use crate::{Error, IsolationForest};

/// The flavor under which an `MLmodel` file names an isolation forest of this crate.
const FLAVOR: &str = "mlops_isolation_forest";
const FILE: &str = "isolation_forest.json";
const FORMAT: &str = "mlops-isolation-forest";
const FORMAT_VERSION: u32 = 1;

/// Writes `isolation_forest.json` and the flavor `mlops_isolation_forest`. A forest that is read
/// again gives scores with the same bits.
impl SaveModel for IsolationForest {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        let content = serde_json::to_vec(&SavedForest::from(self))
            .map_err(|error| ModelError::malformed(FILE, error))?;
        dir.file(FILE, &content)?;
        dir.flavor(FLAVOR, json!({"data": FILE, "format_version": FORMAT_VERSION}));
        dir.schema(self.schema(), &TensorSpec::per_row("float64"))
    }
}

/// Reads what [`SaveModel`] wrote, in this version of the crate or an older one.
impl LoadModel for IsolationForest {
    fn load(dir: &ModelDir, context: &LoadContext) -> Result<Self, ModelError> {
        let Some(flavor) = dir.flavor::<Flavor>(FLAVOR)? else {
            let kind = ModelErrorKind::MissingFlavor { expected: FLAVOR };
            return Err(ModelError::new(kind, dir.path()));
        };
        let content = dir.read(&flavor.data)?;
        let schema = context
            .schema_of(dir)?
            .ok_or_else(|| ModelError::malformed(dir.path(), Error::MissingSchema))?;
        parse(&content, schema, &dir.path().join(&flavor.data))
    }
}

/// Reads the content of the file at `path`.
fn parse(content: &[u8], schema: Arc<Schema>, path: &Path) -> Result<IsolationForest, ModelError> {
    // Of a newer version, the header is all that is sure to be understood.
    let header: Header =
        serde_json::from_slice(content).map_err(|error| ModelError::malformed(path, error))?;
    if header.format != FORMAT {
        return Err(ModelError::malformed(path, Error::ForeignFormat));
    }
    if header.format_version > FORMAT_VERSION {
        let kind = ModelErrorKind::Unsupported { what: "an isolation forest of a newer version" };
        let source = Error::NewerVersion { got: header.format_version, supported: FORMAT_VERSION };
        return Err(ModelError::new(kind, path).with_source(source));
    }
    let saved: SavedForest =
        serde_json::from_slice(content).map_err(|error| ModelError::malformed(path, error))?;
    saved.restore(schema).map_err(|error| ModelError::malformed(path, error))
}

#[derive(Deserialize)]
struct Flavor {
    data: String,
}

#[derive(Deserialize)]
struct Header {
    format: String,
    format_version: u32,
}

/// A forest as it stands in its file.
#[derive(Deserialize, Serialize)]
struct SavedForest {
    format: String,
    format_version: u32,
    max_samples: usize,
    threshold: f64,
    scaler: StandardScaler,
    // The nodes of each tree, the root first and children behind their parent.
    trees: Vec<Vec<SavedNode>>,
}

impl From<&IsolationForest> for SavedForest {
    fn from(forest: &IsolationForest) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            max_samples: forest.max_samples(),
            threshold: forest.threshold(),
            scaler: forest.scorer().scaler().clone(),
            trees: forest
                .trees()
                .iter()
                .map(|tree| tree.nodes().iter().copied().map(SavedNode).collect())
                .collect(),
        }
    }
}

impl SavedForest {
    fn restore(self, schema: Arc<Schema>) -> Result<IsolationForest, Error> {
        let (got, expected) = (self.scaler.n_columns(), schema.len());
        if got != expected {
            return Err(Error::ColumnCount { got, expected });
        }
        let trees = self
            .trees
            .into_iter()
            .enumerate()
            .map(|(tree, nodes)| Tree::new(tree, nodes.into_iter().map(|node| node.0).collect()))
            .collect::<Result<_, _>>()?;
        IsolationForest::new(schema, self.scaler, trees, self.max_samples, |_| Ok(self.threshold))
    }
}

/// A node of a tree as it stands in the file.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct SavedNode(#[serde(with = "NodeLayout")] Node<usize>);

#[derive(Deserialize, Serialize)]
#[serde(remote = "Node::<usize>", rename_all = "snake_case")]
enum NodeLayout {
    Split {
        feature: usize,
        threshold: f32,
        #[serde(with = "SideLayout")]
        missing: Side,
        left: usize,
        right: usize,
    },
    Leaf {
        #[serde(rename = "n_samples")]
        value: usize,
    },
}

#[derive(Deserialize, Serialize)]
#[serde(remote = "Side", rename_all = "snake_case")]
enum SideLayout {
    Left,
    Right,
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use mlops_core::Records;
    use ndarray::array;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::testing::{normal, records};

    fn bits(forest: &IsolationForest, records: &Records) -> Vec<u64> {
        forest.score(records).unwrap().into_iter().map(f64::to_bits).collect()
    }

    fn small() -> (IsolationForest, Value) {
        let forest = IsolationForest::params().n_trees(3).fit(&records(normal(20, 2, 1))).unwrap();
        let value = serde_json::to_value(SavedForest::from(&forest)).unwrap();
        (forest, value)
    }

    fn parse_value(forest: &IsolationForest, value: &Value) -> Result<IsolationForest, ModelError> {
        parse(value.to_string().as_bytes(), Arc::clone(forest.schema()), Path::new("forest.json"))
    }

    /// The error behind that of reading `value`.
    fn cause(forest: &IsolationForest, value: &Value) -> String {
        parse_value(forest, value).unwrap_err().source().unwrap().to_string()
    }

    #[test]
    fn a_saved_forest_scores_the_same_bits() {
        let training = records(normal(500, 3, 1) * array![1e-9, 1.0, 1e7] + array![0.0, 0.1, 1e9]);
        let forest = IsolationForest::params().seed(5).fit(&training).unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        ModelDir::create(&path, &forest).unwrap();
        let dir = ModelDir::open(&path).unwrap();
        assert_eq!(dir.flavors().collect::<Vec<_>>(), ["mlops_isolation_forest"]);
        let read = IsolationForest::load(&dir, &LoadContext::new()).unwrap();
        assert_eq!(read.schema(), forest.schema());
        assert_eq!(read.threshold().to_bits(), forest.threshold().to_bits());
        assert_eq!(read.trees(), forest.trees());
        assert_eq!(read.max_samples(), 256);
        assert_eq!(bits(&read, &training), bits(&forest, &training));
    }

    #[test]
    fn the_file_of_a_seed_is_a_promise() {
        let forest = IsolationForest::params().n_trees(1).seed(2);
        let forest = forest.fit(&records(array![[0.0], [1.0], [5.0]])).unwrap();
        let text = serde_json::to_string(&SavedForest::from(&forest)).unwrap();
        let scaler = r#"{"columns":[{"mean":2.0,"scale":2.160246899469287}]}"#;
        let nodes = [
            r#"{"split":{"feature":0,"threshold":-0.09412065,"missing":"left","left":1,"right":4}}"#,
            r#"{"split":{"feature":0,"threshold":-0.6161549,"missing":"right","left":2,"right":3}}"#,
            r#"{"leaf":{"n_samples":1}}"#,
            r#"{"leaf":{"n_samples":1}}"#,
            r#"{"leaf":{"n_samples":1}}"#,
        ]
        .join(",");
        let header = r#""format":"mlops-isolation-forest","format_version":1,"max_samples":3"#;
        let threshold = 0.058_299_288_535_880_93;
        let expected = format!(
            r#"{{{header},"threshold":{threshold},"scaler":{scaler},"trees":[[{nodes}]]}}"#
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_directory_without_the_flavor_is_refused() {
        struct Other;
        impl SaveModel for Other {
            fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
                dir.flavor("sklearn", json!({}));
                Ok(())
            }
        }
        let temporary = tempfile::tempdir().unwrap();
        let dir = ModelDir::create(temporary.path().join("model"), &Other).unwrap();
        let error = IsolationForest::load(&dir, &LoadContext::new()).unwrap_err();
        assert_eq!(error.kind(), &ModelErrorKind::MissingFlavor { expected: FLAVOR });
    }

    #[test]
    fn without_a_signature_the_context_tells_the_schema() {
        struct Bare(Value);
        impl SaveModel for Bare {
            fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
                dir.flavor(FLAVOR, json!({"data": FILE}));
                dir.file(FILE, self.0.to_string().as_bytes())
            }
        }
        let (forest, saved) = small();
        let temporary = tempfile::tempdir().unwrap();
        let dir = ModelDir::create(temporary.path().join("model"), &Bare(saved)).unwrap();
        let error = IsolationForest::load(&dir, &LoadContext::new()).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), Error::MissingSchema.to_string());
        let context = LoadContext::new().schema(Arc::clone(forest.schema()));
        assert_eq!(IsolationForest::load(&dir, &context).unwrap().trees(), forest.trees());
    }

    #[test]
    fn a_newer_version_is_refused_by_its_number() {
        let (forest, _) = small();
        let newer = json!({"format": FORMAT, "format_version": 2, "forests": []});
        let error = parse_value(&forest, &newer).unwrap_err();
        assert!(matches!(error.kind(), ModelErrorKind::Unsupported { .. }));
        assert_eq!(error.source().unwrap().to_string(), "format version 2, expected at most 1");
    }

    #[test]
    fn what_is_no_forest_is_refused() {
        let (forest, saved) = small();
        let changed = |pointer: &str, value: Value| {
            let mut changed = saved.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            cause(&forest, &changed)
        };
        assert_eq!(changed("/format", json!("onnx")), "not an isolation forest");
        assert_eq!(
            changed("/scaler/columns", json!([{"mean": 0.0, "scale": 1.0}])),
            "the model has 1 columns, expected 2"
        );
        assert!(changed("/threshold", json!(5.0)).starts_with("threshold 5, expected"));
        assert!(changed("/threshold", json!(0.499)).contains("out of reach"));
        let behind = "tree 0, node 0: a child does not stand behind its parent";
        for child in [0, 1000] {
            assert_eq!(changed("/trees/0/0/split/left", json!(child)), behind);
        }
        assert_eq!(changed("/trees/1", json!([])), "the trees do not make a forest");
        assert_eq!(changed("/trees/1/0/split/feature", json!(2)), "the trees do not make a forest");
        assert!(changed("/trees", json!([])).contains("out of reach"));
        assert!(
            changed("/trees/0/0", json!({"leaf": {}})).starts_with("missing field `n_samples`")
        );
    }

    proptest! {
        #[test]
        fn damaged_files_are_read_or_refused(at: prop::sample::Index, byte: u8, cut: bool) {
            let (forest, saved) = small();
            let mut content = saved.to_string().into_bytes();
            let at = at.index(content.len());
            if cut { content.truncate(at) } else { content[at] = byte }
            let schema = Arc::clone(forest.schema());
            if let Ok(read) = parse(&content, schema, Path::new("forest.json")) {
                let scores = read.score(&records(array![[0.0, 1.0], [f64::NAN, 1e38]])).unwrap();
                prop_assert!(!cut && scores.iter().all(|score| (-0.5..=0.5).contains(score)));
            }
        }
    }
}
