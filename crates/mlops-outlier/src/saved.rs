use std::sync::Arc;

use mlops_core::{OutlierDetector, Schema};
use mlops_forest::{Node, Side};
use mlops_pyobject::sklearn::Preprocessing;
use serde::{Deserialize, Serialize};

use crate::isolation_forest::Parts;
use crate::training_scores::TrainingScores;
use crate::tree::Tree;
use crate::{Error, IsolationForest};

const FORMAT: &str = "mlops-isolation-forest";
const VERSION: u32 = 2;

impl IsolationForest {
    /// Writes the forest as JSON, without the schema.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, OutlierDetector, Records, Schema};
    /// use mlops_outlier::{Error, IsolationForest};
    /// use ndarray::Array2;
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("x")])?);
    /// let values = Array2::from_shape_fn((100, 1), |(row, _)| (row as f64).sin());
    /// let records = Records::new(Arc::clone(&schema), values)?;
    /// let forest = IsolationForest::params().fit(&records)?;
    /// let json = forest.to_json();
    /// let read = IsolationForest::from_json(&json, Arc::clone(&schema))?;
    /// assert_eq!(read.score(&records)?, forest.score(&records)?);
    ///
    /// let old = String::from_utf8(json)?.replace("\"format_version\":2", "\"format_version\":1");
    /// let error = IsolationForest::from_json(old.as_bytes(), schema).unwrap_err();
    /// assert_eq!(error, Error::FormatVersion { got: 1, expected: 2 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> Vec<u8> {
        // Numbers and texts only.
        serde_json::to_vec(&Stored::from(self)).unwrap_or_default()
    }

    /// Reads a forest that [`to_json`](Self::to_json) wrote for the features of `schema`.
    ///
    /// # Errors
    /// * [`Error::Json`] if it is no JSON, or not of that form
    /// * [`Error::ForeignFormat`] if it is something else
    /// * [`Error::FormatVersion`] if it is of another version
    /// * [`Error::NoTrees`] if the forest is empty
    /// * [`Error::ColumnCount`] if it was fitted to another number of features
    /// * [`Error::ChildOrder`], [`Error::InfiniteThreshold`], [`Error::StrayNode`] or [`Error::Forest`] if the
    ///   trees are none
    /// * [`Error::InvalidQuantiles`] if the training scores are none
    pub fn from_json(json: &[u8], schema: Arc<Schema>) -> Result<Self, Error> {
        // Of another version, the header is all that is sure to be understood.
        let Header { format, format_version: got } = serde_json::from_slice(json)?;
        if format != FORMAT {
            return Err(Error::ForeignFormat);
        }
        if got != VERSION {
            return Err(Error::FormatVersion { got, expected: VERSION });
        }
        serde_json::from_slice::<Stored>(json)?.restore(schema)
    }
}

/// What stands first in the file, in every version.
#[derive(Deserialize)]
struct Header {
    format: String,
    format_version: u32,
}

/// A forest as it stands in its file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    format_version: u32,
    max_samples: usize,
    offset: f64,
    // None is one that no score exceeds.
    threshold: Option<f64>,
    preprocessing: Option<Preprocessing>,
    training_scores: Option<TrainingScores>,
    // The nodes of each tree, the root first and children behind their parent.
    trees: Vec<Vec<StoredNode>>,
}

impl From<&IsolationForest> for Stored {
    fn from(forest: &IsolationForest) -> Self {
        let nodes = |tree: &Tree| tree.nodes().iter().copied().map(StoredNode).collect();
        Self {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            max_samples: forest.max_samples(),
            offset: forest.offset(),
            threshold: Some(forest.threshold()).filter(|threshold| threshold.is_finite()),
            preprocessing: forest.preprocessing().cloned(),
            training_scores: forest.training_scores().cloned(),
            trees: forest.trees().iter().map(nodes).collect(),
        }
    }
}

impl Stored {
    fn restore(self, schema: Arc<Schema>) -> Result<IsolationForest, Error> {
        let n_inputs = self.preprocessing.as_ref().map(Preprocessing::n_inputs);
        if let Some(got) = n_inputs.filter(|n_inputs| *n_inputs != schema.len()) {
            return Err(Error::ColumnCount { got, expected: schema.len() });
        }
        if self.trees.is_empty() {
            return Err(Error::NoTrees);
        }
        if self.training_scores.as_ref().is_some_and(|scores| !scores.is_valid()) {
            return Err(Error::InvalidQuantiles);
        }
        let trees = self.trees.into_iter().enumerate();
        let trees = trees
            .map(|(tree, nodes)| Tree::new(tree, nodes.into_iter().map(|node| node.0).collect()));
        IsolationForest::new(Parts {
            schema,
            preprocessing: self.preprocessing,
            trees: trees.collect::<Result<_, _>>()?,
            max_samples: self.max_samples,
            offset: self.offset,
            threshold: self.threshold.unwrap_or(f64::INFINITY),
            training_scores: self.training_scores,
        })
    }
}

/// A node of a tree as it stands in the file.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct StoredNode(#[serde(with = "NodeLayout")] Node<usize>);

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
    use mlops_core::Records;
    use ndarray::array;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::Contamination;
    use crate::testing::{normal, records};

    fn bits(forest: &IsolationForest, records: &Records) -> Vec<u64> {
        forest.score(records).unwrap().into_iter().map(f64::to_bits).collect()
    }

    fn small() -> (IsolationForest, Value) {
        let contamination = Contamination::new(0.1).unwrap();
        let params = IsolationForest::params().n_estimators(3).contamination(contamination);
        let forest = params.fit(&records(normal(20, 2, 1))).unwrap();
        let value = serde_json::to_value(Stored::from(&forest)).unwrap();
        (forest, value)
    }

    fn parse(forest: &IsolationForest, value: &Value) -> Result<IsolationForest, Error> {
        IsolationForest::from_json(value.to_string().as_bytes(), Arc::clone(forest.schema()))
    }

    #[test]
    fn the_file_of_a_seed_is_a_promise() {
        let forest = IsolationForest::params().n_estimators(1).seed(2);
        let forest = forest.fit(&records(array![[0.0], [1.0], [5.0]])).unwrap();
        insta::assert_snapshot!(String::from_utf8(forest.to_json()).unwrap(), @r#"{"format":"mlops-isolation-forest","format_version":2,"max_samples":3,"offset":-0.5,"threshold":0.0,"preprocessing":{"n_inputs":1,"stages":[{"inputs":[0],"scaler":{"columns":[{"mean":1.0,"scale":4.0}]}}]},"training_scores":null,"trees":[[{"split":{"feature":0,"threshold":0.19916904,"missing":"left","left":1,"right":4}},{"split":{"feature":0,"threshold":-0.082761705,"missing":"right","left":2,"right":3}},{"leaf":{"n_samples":1}},{"leaf":{"n_samples":1}},{"leaf":{"n_samples":1}}]]}"#);
    }

    #[test]
    fn a_forest_is_written_and_read_to_the_last_bit() {
        let training = records(normal(500, 3, 1) * array![1e-9, 1.0, 1e7] + array![0.0, 0.1, 1e9]);
        let params = IsolationForest::params().seed(5);
        let calibrated = params.contamination(Contamination::new(0.01).unwrap());
        for forest in [params.fit(&training).unwrap(), calibrated.fit(&training).unwrap()] {
            let json = forest.to_json();
            let read = IsolationForest::from_json(&json, Arc::clone(forest.schema())).unwrap();
            assert_eq!(read.threshold().to_bits(), forest.threshold().to_bits());
            assert_eq!(read.trees(), forest.trees());
            assert_eq!(read.training_scores(), forest.training_scores());
            assert_eq!(bits(&read, &training), bits(&forest, &training));
            assert_eq!(read.to_json(), json);
        }
    }

    #[test]
    fn another_version_is_refused_by_its_number() {
        let (forest, _) = small();
        let newer = json!({"format": FORMAT, "format_version": 3, "forests": []});
        let error = parse(&forest, &newer).unwrap_err();
        assert_eq!(error, Error::FormatVersion { got: 3, expected: 2 });
    }

    #[test]
    fn what_is_no_forest_is_refused() {
        let (forest, saved) = small();
        let changed = |pointer: &str, value: Value| {
            let mut changed = saved.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            parse(&forest, &changed).map(|_| ()).unwrap_err().to_string()
        };
        assert_eq!(changed("/format", json!("onnx")), "not an isolation forest");
        assert!(changed("/preprocessing/n_inputs", json!(1)).contains("column"));
        assert!(
            changed("/preprocessing/stages/0/scaler/columns/1/scale", json!(0)).contains("scale")
        );
        assert!(changed("/preprocessing/stages/0/inputs/1", json!(7)).contains("column"));
        let error = changed("/training_scores/7", json!(0.4999));
        assert_eq!(error, Error::InvalidQuantiles.to_string());
        let behind = "tree 0, node 0: a child does not stand behind its parent";
        for child in [0, 1000] {
            assert_eq!(changed("/trees/0/0/split/left", json!(child)), behind);
        }
        assert_eq!(changed("/trees/1", json!([])), "the trees do not make a forest");
        assert_eq!(changed("/trees/1/0/split/feature", json!(2)), "the trees do not make a forest");
        assert_eq!(changed("/trees", json!([])), Error::NoTrees.to_string());
        assert!(changed("/trees/0/0", json!({"leaf": {}})).contains("missing field `n_samples`"));
        assert!(changed("/offset", json!(null)).contains("line 1"));
    }

    #[test]
    fn a_threshold_out_of_reach_is_read_and_known() {
        let (forest, mut saved) = small();
        for threshold in [json!(5.0), json!(null), json!(-0.6)] {
            saved["threshold"] = threshold;
            assert!(!parse(&forest, &saved).unwrap().is_threshold_reachable());
        }
    }

    proptest! {
        #[test]
        fn damaged_files_are_read_or_refused(at: prop::sample::Index, byte: u8, cut: bool) {
            let (forest, saved) = small();
            let mut content = saved.to_string().into_bytes();
            let at = at.index(content.len());
            if cut { content.truncate(at) } else { content[at] = byte }
            if let Ok(read) = IsolationForest::from_json(&content, Arc::clone(forest.schema())) {
                let rows = records(array![[0.0, 1.0], [f64::NAN, 1e38]]);
                prop_assert!(!cut && read.score(&rows).unwrap().len() == 2);
            }
        }
    }
}
