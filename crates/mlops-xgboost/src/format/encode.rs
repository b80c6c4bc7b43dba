//! From a booster's parts to the keys of a model file.
//!
//! A single base score is written as the scalar that XGBoost up to 3.0 wrote: newer versions read it, and older ones
//! drop the array that 3.1 introduced without an error.

use std::borrow::Cow;

use super::NO_CHILD;
use super::document::{Document, Number, Width};
use crate::booster::Parts;
use crate::ensemble::{Ensemble, TreeEnsemble};
use crate::objective::Settings;
use crate::tree::{Node, NodeKind, Test, Tree};

/// What `parents` holds for the root, and for that of a tree whose leaves are vectors.
const NO_PARENT: i64 = 2_147_483_647;
const NO_PARENT_OF_VECTORS: i64 = -1;

pub(super) fn model(parts: &Parts) -> Document<'_> {
    let (n_classes, n_targets) = match parts.n_outputs {
        1 => (0, 1),
        n_outputs if parts.has_classes => (n_outputs, 1),
        n_outputs => (0, n_outputs),
    };
    let params = Document::object([
        ("base_score", Document::text(base_score(&parts.base_scores))),
        ("boost_from_average", Document::text("1")),
        ("num_class", count(n_classes)),
        ("num_feature", count(parts.n_features)),
        ("num_target", count(n_targets)),
    ]);
    let booster = match &parts.ensemble {
        Ensemble::Trees(ensemble) => gbtree(ensemble, parts),
        Ensemble::Linear(linear) => {
            let model = Document::object([
                ("boosted_rounds", integer(0)),
                ("weights", Document::Floats(linear.weights.clone())),
            ]);
            Document::object([("model", model), ("name", Document::text("gblinear"))])
        }
    };
    let learner = Document::object([
        (
            "attributes",
            texts_by_name(parts.attributes.iter().map(|(key, value)| (&**key, &**value))),
        ),
        ("feature_names", texts(&parts.feature_names)),
        ("feature_types", texts(&parts.feature_types)),
        ("gradient_booster", booster),
        ("learner_model_param", params),
        ("objective", objective(parts.objective.name(), parts.objective.settings())),
    ]);
    Document::object([("learner", learner), ("version", integers(version(parts)))])
}

/// The oldest version of XGBoost from 3.0 on that has everything that the model uses.
fn version(parts: &Parts) -> [usize; 3] {
    let names = || parts.categories.iter().flat_map(|categories| &categories.names);
    if parts.objective.is_sorted() || !names().all(|name| name.is_ascii()) {
        [3, 4, 0]
    } else if parts.base_scores.len() > 1 || !parts.categories.is_empty() {
        [3, 1, 0]
    } else {
        [3, 0, 0]
    }
}

fn base_score(scores: &[f32]) -> String {
    let texts: Vec<String> = scores.iter().map(|score| format!("{score:E}")).collect();
    let list = texts.join(",");
    if scores.len() == 1 { list } else { format!("[{list}]") }
}

fn objective<'p>(name: &'p str, settings: &'p Settings) -> Document<'p> {
    let groups = settings.iter().map(|(group, entries)| {
        let entries = entries.iter().map(|(key, value)| (&**key, &**value));
        (Cow::Borrowed(&**group), texts_by_name(entries))
    });
    let name = (Cow::Borrowed("name"), Document::text(name));
    Document::Object(groups.chain([name]).collect())
}

fn texts_by_name<'p>(entries: impl Iterator<Item = (&'p str, &'p str)>) -> Document<'p> {
    Document::Object(entries.map(|(key, value)| (key.into(), Document::text(value))).collect())
}

fn gbtree<'p>(ensemble: &'p TreeEnsemble, parts: &'p Parts) -> Document<'p> {
    let params = Document::object([
        ("num_parallel_tree", count(ensemble.n_parallel)),
        ("num_trees", count(ensemble.trees.len())),
    ]);
    let trees = ensemble.trees.iter().enumerate();
    let trees = trees.map(|(id, tree)| self::tree(id, tree, parts.n_features, parts.n_outputs));
    let outputs = ensemble.outputs.iter().map(|output| *output as usize);
    let mut model = vec![
        (Cow::Borrowed("gbtree_model_param"), params),
        (Cow::Borrowed("iteration_indptr"), integers(ensemble.rounds.iter().copied())),
        (Cow::Borrowed("tree_info"), integers(outputs)),
        (Cow::Borrowed("trees"), Document::Array(trees.collect())),
    ];
    if !parts.categories.is_empty() {
        model.push((Cow::Borrowed("cats"), super::categories::write(&parts.categories)));
    }
    let model = Document::Object(model.into_iter().collect());
    let gbtree = Document::object([("model", model), ("name", Document::text("gbtree"))]);
    let Some(weights) = &ensemble.weights else { return gbtree };
    let float = |weight: &f32| Document::Number(Number::Float32(*weight));
    Document::object([
        ("gbtree", gbtree),
        ("name", Document::text("dart")),
        ("weight_drop", Document::Array(weights.iter().map(float).collect())),
    ])
}

/// What `split_indices` holds for a node that was pruned away.
const DELETED: i64 = 2_147_483_647;

fn tree(id: usize, tree: &Tree, n_features: usize, n_outputs: usize) -> Document<'static> {
    let nodes = numbered(tree);
    let floats = |value: fn(&Node) -> f32| {
        Document::Floats(nodes.iter().map(|node| node.map_or(0.0, value)).collect())
    };
    let typed = |width, deleted, value: &dyn Fn(&Node) -> i64| {
        let values = nodes.iter().map(|node| node.map_or(deleted, value));
        Document::Integers(values.collect(), width)
    };
    let vector_size = if tree.vectors.is_empty() { 1 } else { n_outputs };
    let params = Document::object([
        ("num_deleted", count(nodes.len() - tree.nodes.len())),
        ("num_feature", count(n_features)),
        ("num_nodes", count(nodes.len())),
        ("size_leaf_vector", count(vector_size)),
    ]);
    let weights = if vector_size == 1 {
        floats(|node| node.weight)
    } else {
        let weights = nodes.iter().flat_map(|node| vector(tree, *node, n_outputs));
        Document::Floats(weights.collect())
    };
    let categories = Categories::of(tree);
    let left = |node: &Node| children(tree, node).map_or(NO_CHILD, |[left, _]| left);
    let right = |node: &Node| match node.kind {
        // XGBoost from 3.2 finds the vector of a leaf here.
        NodeKind::VectorLeaf { vector } => vector.into(),
        _ => children(tree, node).map_or(NO_CHILD, |[_, right]| right),
    };
    let deleted_right = if vector_size > 1 { 0 } else { NO_CHILD };
    let mut keys = vec![
        ("base_weights", weights),
        ("categories", Document::Integers(categories.codes, Width::I32)),
        ("categories_nodes", Document::Integers(categories.nodes, Width::I32)),
        ("categories_segments", Document::Integers(categories.starts, Width::I64)),
        ("categories_sizes", Document::Integers(categories.sizes, Width::I64)),
        ("default_left", typed(Width::U8, 1, &|node| i64::from(node.is_default_left()))),
        ("id", integer(id)),
        ("left_children", typed(Width::I32, NO_CHILD, &left)),
        ("loss_changes", floats(Node::gain)),
        ("parents", Document::Integers(parents(tree, nodes.len()), Width::I32)),
        ("right_children", typed(Width::I32, deleted_right, &right)),
        ("split_conditions", floats(Node::condition)),
        ("split_indices", typed(Width::I32, DELETED, &Node::feature)),
        ("split_type", typed(Width::U8, 0, &|node| i64::from(node.is_categorical()))),
        ("sum_hessian", floats(|node| node.hessian)),
        ("tree_param", params),
    ];
    if vector_size > 1 {
        keys.push(("leaf_weights", Document::Floats(tree.vectors.clone())));
    }
    Document::Object(keys.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// The nodes by their numbers, some of which belong to nodes that were pruned away.
fn numbered(tree: &Tree) -> Vec<Option<&Node>> {
    let n_numbers = tree.nodes.iter().map(|node| node.id as usize + 1).max().unwrap_or(0);
    let mut numbered = vec![None; n_numbers];
    for node in &tree.nodes {
        numbered[node.id as usize] = Some(node);
    }
    numbered
}

/// The numbers of a split's children.
fn children(tree: &Tree, node: &Node) -> Option<[i64; 2]> {
    match node.kind {
        NodeKind::Split { left, right, .. } => {
            Some([left, right].map(|child| tree.nodes[child as usize].id.into()))
        }
        NodeKind::Leaf { .. } | NodeKind::VectorLeaf { .. } => None,
    }
}

impl Node {
    fn is_default_left(&self) -> bool {
        matches!(self.kind, NodeKind::Split { default_left: true, .. })
    }

    fn gain(&self) -> f32 {
        if let NodeKind::Split { gain, .. } = self.kind { gain } else { 0.0 }
    }

    /// A split's threshold; the format keeps a leaf's value in its place.
    fn condition(&self) -> f32 {
        match self.kind {
            NodeKind::Split { test: Test::Below(threshold), .. } => threshold,
            NodeKind::Leaf { value } => value,
            NodeKind::Split { .. } | NodeKind::VectorLeaf { .. } => 0.0,
        }
    }

    fn is_categorical(&self) -> bool {
        matches!(self.kind, NodeKind::Split { test: Test::NotIn(_), .. })
    }

    fn feature(&self) -> i64 {
        if let NodeKind::Split { feature, .. } = self.kind { feature.into() } else { 0 }
    }
}

/// The values of a node where leaves are vectors; what is no leaf has none.
fn vector(tree: &Tree, node: Option<&Node>, size: usize) -> Vec<f32> {
    match node.map(|node| node.kind) {
        Some(NodeKind::VectorLeaf { vector }) => {
            tree.vectors[vector as usize * size..][..size].to_vec()
        }
        _ => vec![0.0; size],
    }
}

/// The categories of the splits that have some, one after the other.
#[derive(Default)]
struct Categories {
    nodes: Vec<i64>,
    starts: Vec<i64>,
    sizes: Vec<i64>,
    codes: Vec<i64>,
}

impl Categories {
    fn of(tree: &Tree) -> Self {
        let mut categories = Self::default();
        let mut start = 0;
        for node in &tree.nodes {
            let NodeKind::Split { test: Test::NotIn(list), .. } = node.kind else { continue };
            categories.nodes.push(node.id.into());
            categories.starts.push(start);
            let before = categories.codes.len();
            categories.codes.extend(tree.categories[list as usize].iter().copied().map(i64::from));
            let size = i64::try_from(categories.codes.len() - before).unwrap_or(i64::MAX);
            categories.sizes.push(size);
            start += size;
        }
        categories
    }
}

/// The number of each node's parent.
fn parents(tree: &Tree, n_nodes: usize) -> Vec<i64> {
    // XGBoost crashes where a node without a parent is not the root, so nodes that were pruned away have the root.
    let mut parents = vec![0; n_nodes];
    parents[0] = if tree.vectors.is_empty() { NO_PARENT } else { NO_PARENT_OF_VECTORS };
    for node in &tree.nodes {
        if let NodeKind::Split { left, right, .. } = node.kind {
            for child in [left, right] {
                parents[tree.nodes[child as usize].id as usize] = node.id.into();
            }
        }
    }
    parents
}

/// Integers of mixed width, as the format has them outside of trees.
fn integers(values: impl IntoIterator<Item = usize>) -> Document<'static> {
    Document::Array(values.into_iter().map(integer).collect())
}

/// A number as the format has it among parameters.
fn count(value: usize) -> Document<'static> {
    Document::text(value.to_string())
}

fn integer(value: usize) -> Document<'static> {
    Document::Number(Number::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn texts(values: &[String]) -> Document<'_> {
    Document::Array(values.iter().map(|value| Document::Text(Cow::Borrowed(value))).collect())
}
