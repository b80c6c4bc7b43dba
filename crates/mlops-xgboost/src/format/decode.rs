//! From the keys of a model file to a booster's parts.

use std::collections::BTreeMap;

use super::document::Document;
use crate::booster::Parts;
use crate::error::{Error, Unsupported};
use crate::tree::{Node, NodeKind, Tree};

/// What `left_children` holds for a leaf.
const NO_CHILD: i64 = -1;

pub(super) fn model(document: &Document<'_>) -> Result<Parts, Error> {
    // A snapshot, as pickles hold it, wraps the model.
    let document = document.get("Model").unwrap_or(document);
    let learner = document.require("learner")?;
    check_objective(learner)?;
    let params = learner.require("learner_model_param")?;
    let n_features = number(params, "num_feature")?;
    let feature_names = texts(learner, "feature_names")?;
    if !feature_names.is_empty() && feature_names.len() != n_features {
        return Err(Error::WrongType { key: "feature_names", expected: "one name per feature" });
    }
    Ok(Parts {
        n_features,
        feature_names,
        feature_types: texts(learner, "feature_types")?,
        attributes: attributes(learner)?,
        base_score: base_score(params)?,
        trees: trees(learner)?,
    })
}

fn check_objective(learner: &Document<'_>) -> Result<(), Error> {
    let name = learner.require("objective")?.require_text("name")?;
    if name != "binary:logistic" {
        return Err(Error::Unsupported { feature: Unsupported::Objective(name.to_owned()) });
    }
    let params = learner.require("learner_model_param")?;
    for key in ["num_class", "num_target"] {
        if params.get(key).is_some() && number(params, key)? > 1 {
            return Err(Error::Unsupported { feature: Unsupported::MultipleOutputs });
        }
    }
    Ok(())
}

/// A scalar up to XGBoost 3.0, an array with one element from 3.1.
fn base_score(params: &Document<'_>) -> Result<f32, Error> {
    let key = "base_score";
    let text = params.require_text(key)?;
    let scalar = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match scalar.trim().parse() {
        Ok(score) if (0.0..=1.0).contains(&score) => Ok(score),
        _ => Err(Error::WrongType { key, expected: "one probability" }),
    }
}

fn attributes(learner: &Document<'_>) -> Result<BTreeMap<String, String>, Error> {
    let wrong = Error::WrongType { key: "attributes", expected: "an object of texts" };
    let Some(Document::Object(entries)) = learner.get("attributes") else {
        return Ok(BTreeMap::new());
    };
    let texts = entries.iter().map(|(key, value)| match value {
        Document::Text(text) => Some((key.to_string(), text.to_string())),
        _ => None,
    });
    texts.collect::<Option<_>>().ok_or(wrong)
}

fn trees(learner: &Document<'_>) -> Result<Vec<Tree>, Error> {
    let booster = learner.require("gradient_booster")?;
    let name = booster.require_text("name")?;
    if name != "gbtree" {
        return Err(Error::Unsupported { feature: Unsupported::Booster(name.to_owned()) });
    }
    let model = booster.require("model")?;
    // XGBoost 3.4 saves dart as a gbtree whose trees have weights.
    if model.get("weight_drop").is_some() {
        return Err(Error::Unsupported { feature: Unsupported::Booster("dart".to_owned()) });
    }
    let Document::Array(trees) = model.require("trees")? else {
        return Err(Error::WrongType { key: "trees", expected: "an array of trees" });
    };
    trees.iter().enumerate().map(|(index, document)| tree(index, document)).collect()
}

fn tree(index: usize, document: &Document<'_>) -> Result<Tree, Error> {
    let params = document.require("tree_param")?;
    if params.get("size_leaf_vector").is_some() && number(params, "size_leaf_vector")? > 1 {
        return Err(Error::Unsupported { feature: Unsupported::MultipleOutputs });
    }
    if document.get("split_type").is_some() {
        let types = document.require_integers("split_type")?;
        if types.iter().any(|split_type| *split_type != 0) {
            return Err(Error::Unsupported { feature: Unsupported::CategoricalSplit });
        }
    }
    let left = document.require_integers("left_children")?;
    let right = document.require_integers("right_children")?;
    let features = document.require_integers("split_indices")?;
    let default_left = document.require_integers("default_left")?;
    let conditions = document.require_floats("split_conditions")?;
    let weights = document.require_floats("base_weights")?;
    let gains = document.require_floats("loss_changes")?;
    let hessians = document.require_floats("sum_hessian")?;

    let n_nodes = number(params, "num_nodes")?;
    let lengths = [left.len(), right.len(), features.len(), default_left.len(), conditions.len()];
    let statistics = [weights.len(), gains.len(), hessians.len()];
    if lengths.into_iter().chain(statistics).any(|length| length != n_nodes) {
        return Err(Error::Tree { tree: index, problem: "its arrays differ in length" });
    }
    let link = |value: i64| {
        let problem = "a child or a feature is out of range";
        u32::try_from(value).map_err(|_| Error::Tree { tree: index, problem })
    };
    let node = |node: usize| {
        let kind = if left[node] == NO_CHILD {
            NodeKind::Leaf { value: conditions[node] }
        } else {
            NodeKind::Split {
                feature: link(features[node])?,
                threshold: conditions[node],
                default_left: default_left[node] != 0,
                left: link(left[node])?,
                right: link(right[node])?,
                gain: gains[node],
            }
        };
        Ok(Node { kind, weight: weights[node], hessian: hessians[node] })
    };
    let nodes = (0..n_nodes).map(node).collect::<Result<_, Error>>()?;
    Tree::of_reachable(nodes)
        .ok_or(Error::Tree { tree: index, problem: "its links do not make a tree" })
}

/// A count that the format keeps as text.
fn number(params: &Document<'_>, key: &'static str) -> Result<usize, Error> {
    let text = params.require_text(key)?;
    text.parse().map_err(|_| Error::WrongType { key, expected: "a count" })
}

/// Names that may be left out.
fn texts(learner: &Document<'_>, key: &'static str) -> Result<Vec<String>, Error> {
    if learner.get(key).is_some() { learner.require_texts(key) } else { Ok(Vec::new()) }
}
