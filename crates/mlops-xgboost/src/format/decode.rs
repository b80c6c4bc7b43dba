//! From the keys of a model file to a booster's parts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::arrays::{Arrays, Vectors};
use super::categories::CategoryNames;
use super::document::Document;
use crate::booster::Parts;
use crate::ensemble::{Ensemble, LinearModel, TreeEnsemble};
use crate::error::{Error, Unsupported};
use crate::objective::{Objective, Settings};
use crate::tree::{LAST_CATEGORY, Tree};

/// The newest version whose models are understood. A later one may mean something else by the same keys, as 3.1 did by
/// the base score.
const NEWEST: (u64, u64) = (3, 4);
/// More classes or targets than this are refused: a file can claim any number of them.
const MAX_OUTPUTS: usize = 100_000;
const MAX_FEATURES: usize = 1 << 24;
const TOO_MANY_OUTPUTS: Error = Error::WrongType {
    key: "num_class",
    expected: "at most 100,000 classes or targets, and no more than the model has values for",
};

pub(super) fn model(document: &Document<'_>) -> Result<Parts, Error> {
    // A snapshot, as pickles hold it, wraps the model.
    let document = document.get("Model").unwrap_or(document);
    let version = version(document)?;
    let learner = document.require("learner")?;
    let params = learner.require("learner_model_param")?;
    let n_features = check_features(number(params, "num_feature")?)?;
    let feature_names = texts(learner, "feature_names")?;
    if !feature_names.is_empty() && feature_names.len() != n_features {
        return Err(Error::WrongType { key: "feature_names", expected: "one name per feature" });
    }
    let outputs = Outputs::of(params)?;
    let (feature_types, attributes) = (texts(learner, "feature_types")?, attributes(learner)?);
    let objective = objective(learner, version)?;
    let base_scores = base_scores(params, outputs.count)?;
    let booster = learner.require("gradient_booster")?;
    let categories = category_names(booster, n_features, version)?;
    let ensemble = ensemble(booster, n_features, outputs.count)?;
    outputs.check(&ensemble, base_scores.len())?;
    Ok(Parts {
        n_features,
        feature_names,
        feature_types,
        categories,
        attributes,
        objective,
        base_scores,
        n_outputs: outputs.count,
        has_classes: outputs.are_classes,
        ensemble,
    })
}

/// Refuses numbers of features that no model has: a file can claim any of them.
pub(super) fn check_features(n_features: usize) -> Result<usize, Error> {
    let wrong = Error::WrongType { key: "num_feature", expected: "at most 16,777,216" };
    if n_features <= MAX_FEATURES { Ok(n_features) } else { Err(wrong) }
}

/// Refuses versions that are newer than what is understood.
pub(super) fn check_version(version: (u64, u64)) -> Result<(u64, u64), Error> {
    if version.0 >= 1 && version <= NEWEST {
        return Ok(version);
    }
    let feature = Unsupported::Version(format!("{}.{}", version.0, version.1));
    Err(Error::Unsupported { feature })
}

fn version(document: &Document<'_>) -> Result<(u64, u64), Error> {
    let numbers = document.require_integers("version")?;
    let number = |index: usize| numbers.get(index).and_then(|number| u64::try_from(*number).ok());
    let version = number(0).zip(number(1));
    check_version(
        version.ok_or(Error::WrongType { key: "version", expected: "a version like [3, 2, 0]" })?,
    )
}

/// The margins of a row.
pub(super) struct Outputs {
    pub(super) count: usize,
    pub(super) are_classes: bool,
}

impl Outputs {
    fn of(params: &Document<'_>) -> Result<Self, Error> {
        let count = |key| if params.get(key).is_some() { number(params, key) } else { Ok(0) };
        Self::new(count("num_class")?, count("num_target")?)
    }

    pub(super) fn new(n_classes: usize, n_targets: usize) -> Result<Self, Error> {
        let count = n_classes.max(n_targets).max(1);
        if count > MAX_OUTPUTS {
            return Err(TOO_MANY_OUTPUTS);
        }
        Ok(Self { count, are_classes: n_classes > 1 })
    }

    /// Refuses a large number of outputs that nothing in the file stands for.
    pub(super) fn check(&self, ensemble: &Ensemble, n_base_scores: usize) -> Result<(), Error> {
        let has_vectors = ensemble.trees().iter().any(|tree| !tree.vectors.is_empty());
        let explained = match ensemble {
            Ensemble::Trees(_) if !has_vectors => ensemble.trees().len().max(n_base_scores),
            _ => self.count,
        };
        if self.count <= explained.max(1000) { Ok(()) } else { Err(TOO_MANY_OUTPUTS) }
    }
}

fn objective(learner: &Document<'_>, version: (u64, u64)) -> Result<Objective, Error> {
    let document = learner.require("objective")?;
    Objective::new(document.require_text("name")?, settings(document), version)
}

/// The texts in the objects of an object.
pub(super) fn settings(document: &Document<'_>) -> Settings {
    let Document::Object(groups) = document else { return Settings::new() };
    let texts = |group: &Document<'_>| -> Option<BTreeMap<String, String>> {
        let Document::Object(entries) = group else { return None };
        let text = |(key, value): (&Cow<'_, str>, &Document<'_>)| match value {
            Document::Text(text) => Some((key.to_string(), text.to_string())),
            _ => None,
        };
        Some(entries.iter().filter_map(text).collect())
    };
    groups.iter().filter_map(|(name, group)| Some((name.to_string(), texts(group)?))).collect()
}

/// A scalar up to XGBoost 3.0, an array from 3.1.
fn base_scores(params: &Document<'_>, n_outputs: usize) -> Result<Vec<f32>, Error> {
    let key = "base_score";
    let text = params.require_text(key)?;
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let scores = list.split(',').map(|score| score.trim().parse::<f32>().ok());
    let scores: Option<Vec<f32>> = scores.collect();
    let fits = |scores: &Vec<f32>| scores.len() == 1 || scores.len() == n_outputs;
    scores.filter(fits).ok_or(Error::WrongType { key, expected: "a number, or one per output" })
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

/// The categories of each feature, or none at all.
fn category_names(
    booster: &Document<'_>,
    n_features: usize,
    version: (u64, u64),
) -> Result<Vec<CategoryNames>, Error> {
    let model = booster.get("gbtree").unwrap_or(booster).get("model");
    let read = |model| super::categories::read(model, version);
    let features = model.map_or_else(|| Ok(Vec::new()), read)?;
    if features.is_empty() || features.len() == n_features {
        return Ok(features);
    }
    Err(Error::WrongType { key: "cats", expected: "a list of categories per feature" })
}

fn ensemble(
    booster: &Document<'_>,
    n_features: usize,
    n_outputs: usize,
) -> Result<Ensemble, Error> {
    match booster.require_text("name")? {
        "gbtree" => trees(booster, booster, n_outputs).map(Ensemble::Trees),
        // Before 3.5, dart keeps its trees in a gbtree of its own.
        "dart" => {
            let gbtree = booster.get("gbtree").unwrap_or(booster);
            trees(gbtree, booster, n_outputs).map(Ensemble::Trees)
        }
        "gblinear" => {
            let weights = booster.require("model")?.require_floats("weights")?;
            linear(weights.into_owned(), n_features, n_outputs)
        }
        name => Err(Error::unsupported_booster(name)),
    }
}

pub(super) fn linear(
    weights: Vec<f32>,
    n_features: usize,
    n_outputs: usize,
) -> Result<Ensemble, Error> {
    let expected = n_features.checked_add(1).and_then(|rows| rows.checked_mul(n_outputs));
    if expected == Some(weights.len()) {
        return Ok(Ensemble::Linear(LinearModel { weights, n_outputs }));
    }
    let expected = "one weight per feature and output, and a bias per output";
    Err(Error::WrongType { key: "weights", expected })
}

/// Trees of the booster `gbtree`; their weights, if they have some, may stand in `outer`.
fn trees(
    gbtree: &Document<'_>,
    outer: &Document<'_>,
    n_outputs: usize,
) -> Result<TreeEnsemble, Error> {
    let model = gbtree.require("model")?;
    let params = model.require("gbtree_model_param")?;
    let Document::Array(documents) = model.require("trees")? else {
        return Err(Error::WrongType { key: "trees", expected: "an array of trees" });
    };
    let trees = documents.iter().enumerate();
    let trees = trees.map(|(index, document)| tree(index, document, n_outputs));
    // XGBoost 3.4 keeps them beside the trees, older versions one level above.
    let weights = [model, outer].into_iter().find(|place| place.get("weight_drop").is_some());
    let weights = weights.map(|place| place.require_floats("weight_drop")).transpose()?;
    let n_parallel = match params.get("num_parallel_tree") {
        Some(_) => number(params, "num_parallel_tree")?.max(1),
        None => 1,
    };
    let rounds = match model.get("iteration_indptr") {
        Some(_) => Some(model.require_integers("iteration_indptr")?),
        None => None,
    };
    tree_ensemble(
        trees.collect::<Result<_, Error>>()?,
        &model.require_integers("tree_info")?,
        weights.map(Cow::into_owned),
        n_parallel,
        rounds.as_deref(),
        n_outputs,
    )
}

/// Puts trees together; without the ends of rounds, each has as many trees per output as are parallel.
pub(super) fn tree_ensemble(
    trees: Vec<Tree>,
    outputs: &[i64],
    weights: Option<Vec<f32>>,
    n_parallel: usize,
    rounds: Option<&[i64]>,
    n_outputs: usize,
) -> Result<TreeEnsemble, Error> {
    let n_trees = trees.len();
    let output =
        |output: &i64| u32::try_from(*output).ok().filter(|output| (*output as usize) < n_outputs);
    let outputs: Option<Vec<u32>> = outputs.iter().map(output).collect();
    let expected = "the output of each tree";
    let wrong = Error::WrongType { key: "tree_info", expected };
    let outputs = outputs.filter(|outputs| outputs.len() == n_trees).ok_or(wrong)?;
    if weights.as_ref().is_some_and(|weights| weights.len() != n_trees) {
        return Err(Error::WrongType { key: "weight_drop", expected: "a weight per tree" });
    }
    let rounds: Option<Vec<usize>> = if let Some(rounds) = rounds {
        rounds.iter().map(|start| usize::try_from(*start).ok()).collect()
    } else {
        let n_groups = outputs.iter().max().map_or(1, |output| *output as usize + 1);
        let step = n_parallel.saturating_mul(n_groups);
        Some((0..n_trees).step_by(step).chain([n_trees]).collect())
    };
    let is_partition = |rounds: &Vec<usize>| {
        rounds.first() == Some(&0) && rounds.last() == Some(&n_trees) && rounds.is_sorted()
    };
    let wrong = Error::WrongType { key: "iteration_indptr", expected: "the ends of rounds" };
    let rounds = rounds.filter(is_partition).ok_or(wrong)?;
    Ok(TreeEnsemble { trees, outputs, weights, n_parallel, rounds })
}

fn tree(index: usize, document: &Document<'_>, n_outputs: usize) -> Result<Tree, Error> {
    let params = document.require("tree_param")?;
    let n_nodes = number(params, "num_nodes")?;
    let size = match params.get("size_leaf_vector") {
        Some(_) => number(params, "size_leaf_vector")?,
        None => 1,
    };
    if size > 1 && size != n_outputs {
        return Err(Error::Tree {
            tree: index,
            problem: "its vectors are not one value per output",
        });
    }
    let vectors = match document.get("leaf_weights") {
        _ if size <= 1 => Vectors::None,
        Some(_) => Vectors::Leaves { size, values: document.require_floats("leaf_weights")? },
        None => Vectors::Nodes { size },
    };
    let (categorical, categories) = categories(index, document, n_nodes)?;
    let arrays = Arrays {
        left: document.require_integers("left_children")?,
        right: document.require_integers("right_children")?,
        features: document.require_integers("split_indices")?,
        default_left: document.require_integers("default_left")?,
        conditions: document.require_floats("split_conditions")?,
        weights: document.require_floats("base_weights")?,
        gains: document.require_floats("loss_changes")?,
        hessians: document.require_floats("sum_hessian")?,
        categorical,
        categories,
        vectors,
    };
    arrays.tree(index, n_nodes)
}

/// For each node the position of its categories, if it is a split by category, and all categories.
type Categories = (Vec<Option<u32>>, Vec<Box<[u32]>>);

fn categories(index: usize, document: &Document<'_>, n_nodes: usize) -> Result<Categories, Error> {
    // Each node has an entry in an array that was read, so their number is bounded by the file.
    let n_nodes = n_nodes.min(document.require_integers("left_children")?.len());
    let mut categorical = vec![None; n_nodes];
    let mut categories = Vec::new();
    if document.get("categories_nodes").is_none() {
        return Ok((categorical, categories));
    }
    let nodes = document.require_integers("categories_nodes")?;
    let starts = document.require_integers("categories_segments")?;
    let sizes = document.require_integers("categories_sizes")?;
    let all = document.require_integers("categories")?;
    let problem = "its categories do not belong to its splits";
    let malformed = || Error::Tree { tree: index, problem };
    if starts.len() != nodes.len() || sizes.len() != nodes.len() {
        return Err(malformed());
    }
    let mut left = all.len();
    for ((node, start), size) in nodes.iter().zip(&*starts).zip(&*sizes) {
        let range = usize::try_from(*start).ok().zip(usize::try_from(*size).ok());
        let range = range.and_then(|(start, size)| Some(start..start.checked_add(size)?));
        let list = range.and_then(|range| all.get(range)).ok_or_else(malformed)?;
        // Segments do not overlap: lists take no more memory than the array.
        left = left.checked_sub(list.len()).ok_or_else(malformed)?;
        // No value can be a larger code.
        let code = |code: &i64| u32::try_from(*code).ok().filter(|code| *code < LAST_CATEGORY);
        let list: Option<Vec<u32>> = list.iter().map(code).collect();
        let mut list = list.ok_or_else(malformed)?;
        list.sort_unstable();
        let node = usize::try_from(*node).ok().and_then(|node| categorical.get_mut(node));
        let position = u32::try_from(categories.len()).map_err(|_| malformed())?;
        if node.ok_or_else(malformed)?.replace(position).is_some() {
            return Err(malformed());
        }
        categories.push(list.into());
    }
    check_split_types(index, document, &categorical)?;
    Ok((categorical, categories))
}

/// A split by category has categories, and no other has.
fn check_split_types(
    index: usize,
    document: &Document<'_>,
    categorical: &[Option<u32>],
) -> Result<(), Error> {
    if document.get("split_type").is_none() {
        return Ok(());
    }
    let types = document.require_integers("split_type")?;
    let agree = types.iter().zip(categorical).all(|(kind, list)| (*kind != 0) == list.is_some());
    let problem = "its split types do not agree with its categories";
    if agree { Ok(()) } else { Err(Error::Tree { tree: index, problem }) }
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
