//! From a booster's parts to the keys of a model file.
//!
//! The base score is written as the scalar that XGBoost up to 3.0 wrote: newer versions read it, and older ones drop
//! the array that 3.1 introduced without an error.

use std::borrow::Cow;

use super::document::{Document, Number, Width};
use crate::booster::Parts;
use crate::tree::{Node, NodeKind, Tree};

/// The version of XGBoost whose format is written.
const VERSION: [usize; 3] = [3, 0, 0];
/// What `parents` holds for the root.
const NO_PARENT: i64 = 2_147_483_647;

pub(super) fn model(parts: &Parts) -> Document<'_> {
    let params = Document::object([
        ("base_score", Document::text(format!("{:E}", parts.base_score))),
        ("boost_from_average", Document::text("1")),
        ("num_class", Document::text("0")),
        ("num_feature", Document::text(parts.n_features.to_string())),
        ("num_target", Document::text("1")),
    ]);
    let objective = Document::object([
        ("name", Document::text("binary:logistic")),
        ("reg_loss_param", Document::object([("scale_pos_weight", Document::text("1"))])),
    ]);
    let attributes = parts.attributes.iter();
    let learner = Document::object([
        (
            "attributes",
            Document::Object(
                attributes.map(|(key, value)| (key.into(), Document::text(value))).collect(),
            ),
        ),
        ("feature_names", texts(&parts.feature_names)),
        ("feature_types", texts(&parts.feature_types)),
        (
            "gradient_booster",
            Document::object([("model", trees(parts)), ("name", Document::text("gbtree"))]),
        ),
        ("learner_model_param", params),
        ("objective", objective),
    ]);
    Document::object([("learner", learner), ("version", integers(VERSION))])
}

fn trees(parts: &Parts) -> Document<'_> {
    let n_trees = parts.trees.len();
    let params = Document::object([
        ("num_parallel_tree", Document::text("1")),
        ("num_trees", Document::text(n_trees.to_string())),
    ]);
    let trees =
        parts.trees.iter().enumerate().map(|(id, tree)| self::tree(id, tree, parts.n_features));
    Document::object([
        ("gbtree_model_param", params),
        ("iteration_indptr", integers(0..=n_trees)),
        ("tree_info", integers(std::iter::repeat_n(0, n_trees))),
        ("trees", Document::Array(trees.collect())),
    ])
}

fn tree(id: usize, tree: &Tree, n_features: usize) -> Document<'static> {
    let nodes = &tree.nodes;
    let floats = |value: fn(&Node) -> f32| Document::Floats(nodes.iter().map(value).collect());
    let typed = |width, value: fn(&Node) -> i64| {
        Document::Integers(nodes.iter().map(value).collect(), width)
    };
    let none = |width| Document::Integers(Vec::new(), width);
    let params = Document::object([
        ("num_deleted", Document::text("0")),
        ("num_feature", Document::text(n_features.to_string())),
        ("num_nodes", Document::text(nodes.len().to_string())),
        ("size_leaf_vector", Document::text("1")),
    ]);
    Document::object([
        ("base_weights", floats(|node| node.weight)),
        ("categories", none(Width::I32)),
        ("categories_nodes", none(Width::I32)),
        ("categories_segments", none(Width::I64)),
        ("categories_sizes", none(Width::I64)),
        (
            "default_left",
            typed(Width::U8, |node| {
                i64::from(matches!(node.kind, NodeKind::Split { default_left: true, .. }))
            }),
        ),
        ("id", integer(id)),
        ("left_children", typed(Width::I32, |node| node.children().map_or(-1, |(left, _)| left))),
        ("loss_changes", floats(Node::gain)),
        ("parents", Document::Integers(parents(nodes), Width::I32)),
        (
            "right_children",
            typed(Width::I32, |node| node.children().map_or(-1, |(_, right)| right)),
        ),
        ("split_conditions", floats(Node::condition)),
        ("split_indices", typed(Width::I32, Node::feature)),
        ("split_type", typed(Width::U8, |_| 0)),
        ("sum_hessian", floats(|node| node.hessian)),
        ("tree_param", params),
    ])
}

impl Node {
    fn children(&self) -> Option<(i64, i64)> {
        match self.kind {
            NodeKind::Split { left, right, .. } => Some((left.into(), right.into())),
            NodeKind::Leaf { .. } => None,
        }
    }

    fn gain(&self) -> f32 {
        if let NodeKind::Split { gain, .. } = self.kind { gain } else { 0.0 }
    }

    /// A split's threshold; the format keeps a leaf's value in its place.
    fn condition(&self) -> f32 {
        match self.kind {
            NodeKind::Split { threshold, .. } => threshold,
            NodeKind::Leaf { value } => value,
        }
    }

    fn feature(&self) -> i64 {
        if let NodeKind::Split { feature, .. } = self.kind { feature.into() } else { 0 }
    }
}

fn parents(nodes: &[Node]) -> Vec<i64> {
    let mut parents = vec![NO_PARENT; nodes.len()];
    for (index, node) in (0_i64..).zip(nodes) {
        if let NodeKind::Split { left, right, .. } = node.kind {
            parents[left as usize] = index;
            parents[right as usize] = index;
        }
    }
    parents
}

/// Integers of mixed width, as the format has them outside of trees.
fn integers(values: impl IntoIterator<Item = usize>) -> Document<'static> {
    Document::Array(values.into_iter().map(integer).collect())
}

fn integer(value: usize) -> Document<'static> {
    Document::Number(Number::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn texts(values: &[String]) -> Document<'_> {
    Document::Array(values.iter().map(|value| Document::Text(Cow::Borrowed(value))).collect())
}
