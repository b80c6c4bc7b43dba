//! From the objects of a file to the trees of a forest.

use mlops_forest::{Node, Side, threshold_at_most};
use mlops_pyobject::{Error as FileError, Object};

use crate::Error;
use crate::tree::Tree;

/// What `left_child` and `right_child` hold for a leaf.
const NO_CHILD: i64 = -1;

/// `sklearn.ensemble.IsolationForest`.
#[derive(Debug)]
pub(super) struct PythonForest {
    pub(super) trees: Vec<Tree>,
    pub(super) max_samples: usize,
    pub(super) offset: f64,
    pub(super) n_features: usize,
}

impl PythonForest {
    pub(super) fn read(forest: &Object<'_>) -> Result<Self, Error> {
        forest.expect_instance("sklearn.ensemble", "IsolationForest")?;
        let estimators = forest.attribute("estimators_")?.items()?;
        let features = forest.attribute("estimators_features_")?.items()?;
        if estimators.is_empty() {
            return Err(Error::NoTrees);
        }
        if features.len() != estimators.len() {
            return Err(forest.invalid("has not one list of features per tree").into());
        }
        let n_features = forest.attribute("n_features_in_")?.count()?;
        let stored_offset = forest.attribute("offset_")?;
        let offset = stored_offset.float()?;
        if !offset.is_finite() {
            return Err(stored_offset.invalid("is no finite number").into());
        }
        let trees =
            estimators.iter().zip(&features).enumerate().map(|(index, (tree, features))| {
                let nodes = tree.attribute("tree_")?.attribute("nodes")?;
                let features = features.array()?;
                if features.len() > n_features {
                    return Err(nodes.invalid("has more features than the forest").into());
                }
                let converted = Nodes::read(&nodes)?.convert(&nodes, &features.integers()?)?;
                Tree::new(index, converted)
            });
        Ok(Self {
            trees: trees.collect::<Result<_, Error>>()?,
            max_samples: forest.attribute("_max_samples")?.count()?,
            offset,
            n_features,
        })
    }
}

/// The fields of scikit-learn's node array, one entry per node.
struct Nodes {
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    n_samples: Vec<i64>,
    /// Where missing values go; scikit-learn before 1.3 takes none.
    missing_left: Option<Vec<i64>>,
}

impl Nodes {
    fn read(object: &Object<'_>) -> Result<Self, FileError> {
        let nodes = object.array()?;
        if nodes.is_empty() {
            return Err(object.invalid("has no nodes"));
        }
        let integers = |name| nodes.field(name)?.integers();
        let flag = "missing_go_to_left";
        Ok(Self {
            left: integers("left_child")?,
            right: integers("right_child")?,
            feature: integers("feature")?,
            threshold: nodes.field("threshold")?.floats()?,
            n_samples: integers("n_node_samples")?,
            missing_left: if nodes.has_field(flag) { Some(integers(flag)?) } else { None },
        })
    }

    /// The nodes as the forest engine takes them; `features` are the columns that the tree's own
    /// features stand for.
    fn convert(&self, nodes: &Object<'_>, features: &[i64]) -> Result<Vec<Node<usize>>, FileError> {
        let position = |value: i64| {
            usize::try_from(value).map_err(|_| nodes.invalid("has a negative position or count"))
        };
        let convert = |at: usize| {
            if self.left[at] == NO_CHILD {
                return Ok(Node::Leaf { value: position(self.n_samples[at])? });
            }
            let (left, right) = (position(self.left[at])?, position(self.right[at])?);
            let feature = features.get(position(self.feature[at])?);
            let feature = feature.ok_or_else(|| nodes.invalid("splits by an unknown feature"))?;
            let missing_left = match &self.missing_left {
                Some(flags) => flags[at] != 0,
                // The rule of scikit-learn since 1.3, for training rows without missing values.
                None => self.n_samples.get(left) > self.n_samples.get(right),
            };
            Ok(Node::Split {
                feature: position(*feature)?,
                threshold: threshold_at_most(self.threshold[at]),
                missing: if missing_left { Side::Left } else { Side::Right },
                left,
                right,
            })
        };
        (0..self.left.len()).map(convert).collect()
    }
}
