//! Training, compared with the boosters that `tests/data/make_trained.py` trained with XGBoost 3.2.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_core::{Feature, Records, Schema};
use mlops_xgboost::{
    Booster, Dataset, EvalMetric, GrowPolicy, Monotone, Training, TrainingObjective,
};
use ndarray::Array2;
use serde::Deserialize;

use crate::support::data;

#[derive(Deserialize)]
struct Document {
    rows: Vec<Vec<Option<f64>>>,
    whole_rows: Vec<Vec<Option<f64>>>,
    fine_rows: Vec<Vec<Option<f64>>>,
    fine_binary: Vec<u8>,
    weights: Vec<f32>,
    binary: Vec<u8>,
    classes: Vec<u8>,
    signal: Vec<f32>,
    boosters: BTreeMap<String, Trained>,
}

#[derive(Deserialize)]
struct Trained {
    history: BTreeMap<String, Vec<f64>>,
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
struct Tree {
    split_indices: Vec<usize>,
    split_conditions: Vec<f32>,
    default_left: Vec<u8>,
    left_children: Vec<i32>,
}

/// What our booster keeps of trees, in the same words.
#[derive(Deserialize)]
struct Model {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    gradient_booster: GradientBooster,
}

#[derive(Deserialize)]
struct GradientBooster {
    model: Trees,
}

#[derive(Deserialize)]
struct Trees {
    trees: Vec<Tree>,
}

impl Tree {
    fn is_leaf(&self, node: usize) -> bool {
        self.left_children[node] == -1
    }

    fn children(&self, node: usize) -> [usize; 2] {
        let left = usize::try_from(self.left_children[node]).unwrap();
        [left, left + 1]
    }

    /// How many splits there are from a node on, and how many of them another tree has, too; the directions of missing
    /// values count where there are some.
    fn common(
        &self,
        node: usize,
        other: &Self,
        other_node: usize,
        has_missing: bool,
    ) -> (u32, u32) {
        if self.is_leaf(node) {
            return (0, 0);
        }
        let is_equal = !other.is_leaf(other_node)
            && self.split_indices[node] == other.split_indices[other_node]
            && self.split_conditions[node] == other.split_conditions[other_node]
            && (!has_missing || self.default_left[node] == other.default_left[other_node]);
        let (mut all, mut common) = (1, u32::from(is_equal));
        let others = if is_equal { other.children(other_node) } else { [other_node; 2] };
        for (child, other_child) in self.children(node).into_iter().zip(others) {
            let below = self.common(child, other, other_child, has_missing);
            all += below.0;
            common += if is_equal { below.1 } else { 0 };
        }
        (all, common)
    }
}

fn records(rows: &[Vec<Option<f64>>]) -> Records {
    let schema = Schema::new(["a", "b", "c", "d", "e", "f"].map(Feature::numeric).into()).unwrap();
    let values = rows.iter().flatten().map(|value| value.map_or(f64::NAN, |value| value / 64.0));
    let values = Array2::from_shape_vec((rows.len(), 6), values.collect()).unwrap();
    Records::new(Arc::new(schema), values).unwrap()
}

fn document() -> Document {
    serde_json::from_slice(&data("trained.json")).unwrap()
}

/// The booster of a name as we train it, and whether values are missing.
fn train(document: &Document, name: &str) -> (Training, bool) {
    use Monotone::{Decreasing, Increasing, No};
    let has_missing = ["missing", "weighted", "regularized", "leaves", "squared_error", "softprob"]
        .contains(&name);
    let is_fine = name.ends_with("quantiles");
    let (rows, labels) = if is_fine {
        (&document.fine_rows, &document.fine_binary)
    } else {
        (if has_missing { &document.rows } else { &document.whole_rows }, &document.binary)
    };
    let rows = records(rows);
    let metrics = [EvalMetric::LogLoss, EvalMetric::Auc, EvalMetric::Error];
    let params = Booster::params().rounds(20);
    let logistic = params.clone().eval_metrics(metrics);
    let dataset = Dataset::new(&rows, labels).unwrap();
    let weighted = dataset.clone().weights(&document.weights).unwrap();
    let (params, dataset) = match name {
        "logistic" | "missing" | "quantiles" => (logistic, dataset),
        "weighted" | "weighted_quantiles" => (logistic, weighted),
        "balanced" => (logistic.scale_pos_weight(2.5), dataset),
        "regularized" => {
            (logistic.gamma(0.7).reg_alpha(0.3).reg_lambda(2.0).min_child_weight(3.0), dataset)
        }
        "deep" => (logistic.max_depth(12).min_child_weight(0.0).learning_rate(0.1), dataset),
        "leaves" => {
            (logistic.grow_policy(GrowPolicy::Lossguide).max_leaves(20).max_depth(0), dataset)
        }
        "level_leaves" => (logistic.max_leaves(11), dataset),
        "monotone" => {
            let monotone = [Increasing, Decreasing, No, Increasing, Decreasing, No];
            (logistic.monotone_constraints(monotone), dataset)
        }
        "squared_error" => (
            params.objective(TrainingObjective::SquaredError),
            Dataset::new(&rows, &document.signal).unwrap().weights(&document.weights).unwrap(),
        ),
        "softprob" => (
            params
                .objective(TrainingObjective::Softprob { n_classes: 3 })
                .eval_metrics([EvalMetric::MultiLogLoss, EvalMetric::MultiError]),
            Dataset::new(&rows, &document.classes).unwrap().weights(&document.weights).unwrap(),
        ),
        _ => panic!("no parameters for {name}"),
    };
    (params.fit(&dataset, &[("train", &dataset)]).unwrap(), has_missing)
}

#[test]
fn trees_are_those_of_xgboost() {
    let document = document();
    for (name, expected) in &document.boosters {
        let (training, has_missing) = train(&document, name);
        let model: Model = serde_json::from_slice(&training.booster.to_json()).unwrap();
        let trees = model.learner.gradient_booster.model.trees;
        assert_eq!(trees.len(), expected.trees.len(), "{name}");
        let (all, common) = expected.trees.iter().zip(&trees).fold((0, 0), |sum, (tree, ours)| {
            let (all, common) = tree.common(0, ours, 0, has_missing);
            (sum.0 + all, sum.1 + common)
        });
        println!("{name}: {common} of {all} splits");
        assert!(f64::from(common) >= 0.99 * f64::from(all), "{name}: {common} of {all} splits");
    }
}

#[test]
fn metrics_go_as_those_of_xgboost() {
    let document = document();
    for (name, expected) in &document.boosters {
        let (training, _) = train(&document, name);
        assert_eq!(training.evaluations.len(), expected.history.len(), "{name}");
        for evaluation in &training.evaluations {
            let metric = evaluation.metric.name();
            for (ours, expected) in evaluation.values.iter().zip(&expected.history[metric]) {
                assert!((ours - expected).abs() < 1e-4, "{name} {metric}: {ours} {expected}");
            }
        }
    }
}
