use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use mlops_core::{LoadContext, LoadModel, ModelDir, Random, Records};
use mlops_forest::{Node, Side};
use ndarray::{Array2, array, s};
use proptest::prelude::*;
use prost::Message;
use serde_json::Value;

use super::proto::{Attribute, Model, Node as Operator};
use super::*;
use crate::Contamination;
use crate::testing::{normal, records};
use crate::tree::{Tree, average_path_length};

/// The nearest number of 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "this is what it is for")]
fn narrow(x: f64) -> f32 {
    x as f32
}

/// A value as ONNX is given it.
fn rounded(x: f64) -> f64 {
    f64::from(narrow(x))
}

/// A model that is read again and runs as the ONNX standard says.
struct Runtime(Model);

/// What one row leads to.
struct Answer {
    score: f64,
    is_outlier: bool,
    // The weight of each tree's leaf.
    leaves: Vec<f64>,
}

impl Runtime {
    fn new(bytes: &[u8]) -> Self {
        Self(Model::decode(bytes).unwrap())
    }

    fn run(&self, row: &[f64]) -> Answer {
        let graph = self.0.graph.as_ref().unwrap();
        let mut leaves = Vec::new();
        let mut values: HashMap<&str, Vec<f64>> = graph
            .initializers
            .iter()
            .map(|tensor| {
                let floats = tensor.floats.iter().copied().map(f64::from);
                (&*tensor.name, floats.chain(tensor.doubles.iter().copied()).collect())
            })
            .collect();
        values.insert(&graph.inputs[0].name, row.iter().copied().map(rounded).collect());
        for node in &graph.nodes {
            let inputs: Vec<_> = node.inputs.iter().map(|name| &values[&**name]).collect();
            let result = match &*node.operator {
                "Cast" if attribute(node, "to").integer == Some(1) => {
                    inputs[0].iter().copied().map(rounded).collect()
                }
                "Cast" => inputs[0].clone(),
                "TreeEnsembleRegressor" => {
                    leaves = ends(node, inputs[0]);
                    let mean = leaves.iter().sum::<f64>() / leaves.len() as f64;
                    vec![rounded(mean)]
                }
                "Less" => vec![f64::from(u8::from(inputs[0][0] < inputs[1][0]))],
                "Mul" => vec![inputs[0][0] * inputs[1][0]],
                "Add" => vec![inputs[0][0] + inputs[1][0]],
                "Pow" => vec![inputs[0][0].powf(inputs[1][0])],
                other => panic!("{other}"),
            };
            values.insert(&node.outputs[0], result);
        }
        assert_eq!([&*graph.outputs[0].name, &*graph.outputs[1].name], [SCORE, IS_OUTLIER]);
        Answer { score: values[SCORE][0], is_outlier: values[IS_OUTLIER] == [1.0], leaves }
    }
}

/// The weight of the leaf in which `row` ends, of every tree.
fn ends(node: &Operator, row: &[f64]) -> Vec<f64> {
    let integers = |name| &attribute(node, name).integers;
    let doubles = |name| &attribute(node, name).tensor.as_ref().unwrap().doubles;
    let (tree_ids, node_ids) = (integers("nodes_treeids"), integers("nodes_nodeids"));
    let roots = (0..node_ids.len()).filter(|at| node_ids[*at] == 0);
    roots
        .map(|root| {
            let mut at = root;
            while attribute(node, "nodes_modes").strings[at] != b"LEAF" {
                let x = row[usize::try_from(integers("nodes_featureids")[at]).unwrap()];
                let is_true = x <= doubles("nodes_values_as_tensor")[at]
                    || x.is_nan() && integers("nodes_missing_value_tracks_true")[at] == 1;
                let side = if is_true { "nodes_truenodeids" } else { "nodes_falsenodeids" };
                let id = integers(side)[at];
                at = root + usize::try_from(id).unwrap();
                assert_eq!((tree_ids[at], node_ids[at]), (tree_ids[root], id));
            }
            let leaf = (tree_ids[at], node_ids[at]);
            let leaves = integers("target_treeids").iter().zip(integers("target_nodeids"));
            let weights = leaves.zip(doubles("target_weights_as_tensor"));
            let mut weights = weights.filter(|((tree, id), _)| (**tree, **id) == leaf);
            let weight = *weights.next().unwrap().1;
            assert!(weights.next().is_none());
            weight
        })
        .collect()
}

fn attribute<'m>(node: &'m Operator, name: &str) -> &'m Attribute {
    node.attributes.iter().find(|attribute| attribute.name == name).unwrap()
}

/// How far the path length of each tree is from the average, for a row that is prepared.
fn excesses(trees: &[Tree], max_samples: usize, prepared: &[f64]) -> Vec<f64> {
    let excess = |tree: &Tree| {
        let (nodes, mut at) = (tree.path_lengths(), 0);
        loop {
            match nodes[at] {
                Node::Leaf { value } => return value - average_path_length(max_samples),
                Node::Split { feature, threshold, missing, left, right } => {
                    let x = narrow(prepared[feature]);
                    let goes_left = if x.is_nan() { missing == Side::Left } else { x < threshold };
                    at = if goes_left { left } else { right };
                }
            }
        }
    };
    trees.iter().map(excess).collect()
}

/// Asserts that ONNX has the leaves, scores and outliers that `forest` has.
fn assert_same(forest: &IsolationForest, rows: Array2<f64>) {
    let onnx = forest.onnx().unwrap();
    let runtime = Runtime::new(onnx.bytes());
    let rows = Records::new(Arc::clone(forest.schema()), rows.mapv(rounded)).unwrap();
    for (row, expected) in rows.rows().zip(forest.score(&rows).unwrap()) {
        let answer = runtime.run(row);
        let mut prepared = Vec::new();
        forest.prepare(row, &mut prepared);
        let leaves = excesses(forest.trees(), forest.max_samples(), &prepared);
        assert_eq!(answer.leaves, leaves, "{row:?}");
        assert!((answer.score - expected).abs() < 1e-7, "{row:?}");
        if (expected - forest.threshold()).abs() > 1e-7 || expected == forest.threshold() {
            assert_eq!(answer.is_outlier, expected > forest.threshold(), "{row:?}");
        }
    }
}

/// Rows whose values lie at the ends of what there is.
fn extremes(n_columns: usize) -> Array2<f64> {
    let ends = [0.0, -0.0, f32::from_bits(1), f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::NAN];
    let mut random = Random::new(1);
    Array2::from_shape_simple_fn((200, n_columns), || f64::from(ends[random.below(ends.len())]))
}

fn table(n_rows: usize, seed: u64) -> Array2<f64> {
    let scaled = normal(n_rows, 4, seed) * array![1.0, 1e-9, 1e4, 3.0] + array![0.0, 0.0, 1e7, 0.5];
    let mut table = scaled.mapv(rounded);
    table.column_mut(3).mapv_inplace(f64::round);
    table.slice_mut(s![..;7, 1]).fill(f64::NAN);
    table
}

#[test]
fn rows_of_32_bit_numbers_end_in_the_same_leaves() {
    let training = table(1000, 1);
    let forest =
        IsolationForest::params().n_estimators(30).fit(&records(training.clone())).unwrap();
    assert_same(&forest, training);
    assert_same(&forest, table(500, 2));
    assert_same(&forest, extremes(4));
}

#[test]
fn one_column_and_few_rows_are_a_forest_too() {
    for (n_rows, n_trees, max_samples) in [(1000, 5, 256), (5, 1, 3), (20, 50, 4)] {
        let training = normal(n_rows, 1, 3);
        let params = IsolationForest::params().n_estimators(n_trees).max_samples(max_samples);
        let params = params.contamination(Contamination::new(0.5).unwrap());
        let forest = params.fit(&records(training.clone())).unwrap();
        assert_same(&forest, training);
        assert_same(&forest, extremes(1));
    }
}

#[test]
fn what_32_bits_do_not_tell_apart_is_refused() {
    let training = normal(300, 2, 1).slice(s![.., ..]).to_owned() + array![0.0, 1e9];
    let forest = IsolationForest::params().fit(&records(training)).unwrap();
    match forest.onnx().unwrap_err() {
        Error::NotSeparable { feature, .. } => assert_eq!(feature, "x1"),
        other => panic!("{other}"),
    }
    // A small spread is none of their problems, nor a large offset with a large spread.
    for (offset, spread) in [(0.0, 1e-9), (0.0, 1e-37), (1e9, 1e9), (1.0, 1e-2)] {
        let training = normal(300, 2, 1) * spread + offset;
        let forest = IsolationForest::params().fit(&records(training.clone())).unwrap();
        assert_same(&forest, training);
    }
}

#[test]
fn forests_of_python_keep_their_preprocessing_and_threshold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let names = ["acid", "salt", "sulfur"];
    let schema = Arc::new(Schema::new(names.map(Feature::numeric).into()).unwrap());
    let near = normal(300, 3, 1) * array![1.5, 0.2, 30.0] + array![8.0, 0.5, 100.0];
    let far = normal(300, 3, 2) * array![6.0, 0.8, 120.0] + array![8.0, 0.5, 100.0];
    // Features per tree; a scaler for some of the columns and a threshold out of reach.
    for name in ["forest.pkl", "alibi.pkl"] {
        let pickle = fs::read(folder.join(name)).unwrap();
        let forest = IsolationForest::from_sklearn(&pickle, Arc::clone(&schema)).unwrap();
        for rows in [&near, &far, &extremes(3)] {
            assert_same(&forest, rows.clone());
        }
    }
}

#[test]
fn a_forest_of_wines_is_exported() {
    let Some(fixtures) = mlops_testing::fixtures("isolation forests of wines") else { return };
    let folder = fixtures.join("outlier");
    let rows = fs::read_to_string(folder.join("rows200.csv")).unwrap();
    let mut lines = rows.lines();
    let n_columns = 12;
    let names = lines.next().unwrap().split(',').take(n_columns);
    let schema = Schema::new(names.map(Feature::numeric).collect()).unwrap();
    let values = lines.flat_map(|line| line.split(',').take(n_columns));
    let values = values.map(|value| value.parse().unwrap()).collect();
    let rows = Array2::from_shape_vec((200, n_columns), values).unwrap();
    let compressed = fs::File::open(folder.join("alibi_pipe100.cloudpickle.pkl.gz")).unwrap();
    let mut pickle = Vec::new();
    flate2::read::GzDecoder::new(compressed).read_to_end(&mut pickle).unwrap();
    let forest = IsolationForest::from_sklearn(&pickle, Arc::new(schema)).unwrap();
    assert_same(&forest, rows);
}

fn forest_of<'f>(
    trees: &'f [Tree],
    schema: &'f Schema,
    prepared: Prepared<'f>,
    threshold: f64,
) -> Forest<'f> {
    Forest { schema, prepared, trees, max_samples: 256, offset: -0.5, threshold }
}

fn split(feature: usize, threshold: f32, missing: Side, left: usize, right: usize) -> Node<usize> {
    Node::Split { feature, threshold, missing, left, right }
}

fn leaf(value: usize) -> Node<usize> {
    Node::Leaf { value }
}

fn tree(nodes: Vec<Node<usize>>) -> Tree {
    Tree::new(0, nodes).unwrap()
}

#[test]
fn features_are_computed_from_any_columns_in_any_direction() {
    let nodes = vec![
        split(0, 0.25, Side::Left, 1, 2),
        split(1, -3.0, Side::Right, 3, 4),
        leaf(5),
        leaf(2),
        split(2, 1.0, Side::Left, 5, 6),
        leaf(30),
        leaf(1),
    ];
    let trees = [tree(nodes)];
    let schema = records(normal(1, 4, 1)).schema().as_ref().clone();
    // Of the four columns one is not read, and one falls where another rises.
    let columns = vec![3, 0, 3];
    let scales = [(1.0, 0.1), (-2.0, -0.7), (0.5, 1e-3)];
    let value = |feature: usize, x: f64| {
        let (mean, scale) = scales[feature];
        (x - mean) / scale
    };
    let prepared = Prepared { columns: columns.clone(), value: &value };
    let bytes = graph::encode(&forest_of(&trees, &schema, prepared, 0.0)).unwrap();
    let runtime = Runtime::new(&bytes);
    let mut random = Random::new(1);
    for _ in 0..2000 {
        let row: Vec<f64> = (0..4)
            .map(|_| if random.below(8) == 0 { f64::NAN } else { 4.0 * random.unit() - 2.0 })
            .map(rounded)
            .collect();
        let features: Vec<f64> =
            (0..3).map(|feature| value(feature, row[columns[feature]])).collect();
        assert_eq!(runtime.run(&row).leaves, excesses(&trees, 256, &features), "{row:?}");
    }
}

#[test]
fn sides_that_no_row_reaches_are_refused() {
    let schema = records(normal(1, 1, 1)).schema().as_ref().clone();
    let identity = |_: usize, x: f64| x;
    let encode = |nodes| {
        let prepared = Prepared { columns: vec![0], value: &identity };
        graph::encode(&forest_of(&[tree(nodes)], &schema, prepared, 0.0)).map(|_| ())
    };
    let two = |first, second| {
        vec![
            split(0, first, Side::Left, 1, 4),
            split(0, second, Side::Left, 2, 3),
            leaf(1),
            leaf(1),
            leaf(1),
        ]
    };
    assert_eq!(encode(two(1.0, 0.5)), Ok(()));
    let refused = |node| Err(Error::NotSeparable { tree: 0, node, feature: "x0".to_owned() });
    for beyond in [1.0, 2.0] {
        assert_eq!(encode(two(1.0, beyond)), refused(1));
    }
    assert_eq!(encode(two(f32::MIN, 1.0)), refused(0));
    assert_eq!(encode(two(1.0, f32::MIN)), refused(1));
    // On the other side, the same numbers are there.
    let nodes = vec![
        split(0, 1.0, Side::Left, 1, 2),
        leaf(1),
        split(0, 2.0, Side::Left, 3, 4),
        leaf(1),
        leaf(1),
    ];
    assert_eq!(encode(nodes), Ok(()));
    assert_eq!(
        refused(1).map_err(|error| error.to_string()),
        Err("tree 0, node 1: 32 bits do not tell apart what it splits of feature `x0`".to_owned())
    );
}

#[test]
fn deep_trees_are_walked_without_recursion() {
    let depth = 100_000;
    let mut nodes = Vec::new();
    for at in 0..depth {
        nodes.push(split(0, at as f32, Side::Left, 2 * at + 1, 2 * at + 2));
        nodes.push(leaf(1));
    }
    nodes.push(leaf(1));
    let schema = records(normal(1, 1, 1)).schema().as_ref().clone();
    let prepared = Prepared { columns: vec![0], value: &|_, x| x };
    let trees = [tree(nodes)];
    let bytes = graph::encode(&forest_of(&trees, &schema, prepared, 0.0)).unwrap();
    let answer = Runtime::new(&bytes).run(&[1e9]);
    assert_eq!(answer.leaves, [depth as f64 - average_path_length(256)]);
}

#[test]
fn every_threshold_is_kept_whether_it_can_be_reached_or_not() {
    let schema = records(normal(1, 1, 1)).schema().as_ref().clone();
    let trees = [tree(vec![split(0, 1.0, Side::Left, 1, 2), leaf(1), leaf(255)])];
    let outliers = |threshold, max_samples| {
        let prepared = Prepared { columns: vec![0], value: &|_, x| x };
        let forest = Forest { max_samples, ..forest_of(&trees, &schema, prepared, threshold) };
        let runtime = Runtime::new(&graph::encode(&forest).unwrap());
        [0.0, 2.0].map(|x| runtime.run(&[x]).is_outlier)
    };
    assert_eq!(outliers(0.0, 256), [true, false]);
    for unreachable in [0.5, 5.0, f64::INFINITY, f64::NAN] {
        assert_eq!(outliers(unreachable, 256), [false, false], "{unreachable}");
        assert_eq!(outliers(unreachable, 1), [false, false], "{unreachable}");
    }
    for low in [-0.5, -5.0, f64::NEG_INFINITY] {
        assert_eq!(outliers(low, 256), [true, true], "{low}");
        assert_eq!(outliers(low, 1), [true, true], "{low}");
    }
    // Trees of one row have one score for all, and it is 0.
    assert_eq!(outliers(0.0, 1), [false, false]);
    assert_eq!(outliers(0.0_f64.next_down(), 1), [true, true]);
}

#[test]
fn a_row_on_the_threshold_is_no_outlier() {
    let training = records(table(60, 1));
    let forest = IsolationForest::params().n_estimators(20).fit(&training).unwrap();
    let scores = forest.score(&training).unwrap();
    for (row, score) in training.rows().zip(scores) {
        let forest = forest.clone();
        // No threshold but below the highest score.
        let Ok(forest) = forest.with_threshold(score) else { continue };
        assert!(!Runtime::new(forest.onnx().unwrap().bytes()).run(row).is_outlier);
    }
}

#[test]
fn a_directory_holds_both_forests() {
    let training = records(table(300, 1));
    let forest = IsolationForest::params().n_estimators(5).fit(&training).unwrap();
    let onnx = forest.onnx().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("model");
    ModelDir::create(&path, &onnx).unwrap();
    let dir = ModelDir::open(&path).unwrap();
    let read = IsolationForest::load(&dir, &LoadContext::new()).unwrap();
    assert_eq!(read.score(&training).unwrap(), forest.score(&training).unwrap());
    assert_eq!(dir.read("model.onnx").unwrap(), onnx.bytes());
    let python: Value = dir.flavor("python_function").unwrap().unwrap();
    assert_eq!((&python["data"], &python["loader_module"]), (&json!(FILE), &json!("mlflow.onnx")));
    for file in ["requirements.txt", "python_env.yaml", "conda.yaml"] {
        assert!(dir.file(file).is_ok(), "{file}");
    }
    let model = Model::decode(onnx.bytes()).unwrap();
    assert_eq!((model.ir_version, &*model.producer_name), (8, "mlops-outlier"));
    assert_eq!(model.metadata[0].value, r#"["x0","x1","x2","x3"]"#);
}

#[test]
fn python_gives_all_columns_as_floating_point_numbers() {
    let schema = Schema::new(vec![
        Feature::numeric("alcohol"),
        Feature::integer("is_red"),
        Feature::categorical("region", ["north", "south"]),
    ]);
    let signature = signature(&schema.unwrap()).unwrap();
    let inputs: Value = serde_json::from_str(&signature.inputs.unwrap()).unwrap();
    let kinds: Vec<_> = inputs.as_array().unwrap().iter().map(|input| &input["type"]).collect();
    assert_eq!(kinds, ["double", "double", "double"]);
    let outputs: Value = serde_json::from_str(&signature.outputs.unwrap()).unwrap();
    assert_eq!(outputs[1]["name"], "is_outlier");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn forests_of_any_scale_are_the_same_or_refused(
        seed: u64, exponent in -30..30_i32, offset in -1e3..1e3_f64, n_columns in 1..4_usize,
    ) {
        let scale = 10_f64.powi(exponent);
        let training = (normal(50, n_columns, seed) + offset) * scale;
        let training = training.mapv(rounded);
        let forest = IsolationForest::params().n_estimators(5).seed(seed).fit(&records(training.clone()));
        // What 32 bits represent, they separate.
        if let Ok(forest) = forest {
            assert_same(&forest, training);
        }
    }
}
