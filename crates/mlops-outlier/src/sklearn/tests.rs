use std::fs;
use std::io::Read;
use std::path::Path;

use mlops_core::{Explainer, Feature, OutlierDetector, Records};
use mlops_forest::{Forest, Node, Side, threshold_at_most};
use mlops_pyobject::{Limits, read};
use mlops_testing::{Mutator, n_mutations};
use ndarray::Array2;
use serde::Deserialize;

use super::forest::PythonForest;
use super::*;
use crate::{Contamination, Scratch};

const NAMES: [&str; 12] = [
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
    "is_red",
];

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(NAMES.map(Feature::numeric).into()).unwrap())
}

/// The content of a file, decompressed if its name says so.
fn content(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return bytes;
    }
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut content).unwrap();
    content
}

/// A table of numbers by column name.
fn column(table: &str, name: &str) -> Vec<String> {
    let mut lines = table.lines();
    let column = lines.next().unwrap().split(',').position(|header| header == name).unwrap();
    lines.map(|line| line.split(',').nth(column).unwrap().to_owned()).collect()
}

fn numbers(table: &str, name: &str) -> Vec<f64> {
    column(table, name).iter().map(|value| value.parse().unwrap()).collect()
}

fn assert_within_one_ulp(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        let distance = got.to_bits().abs_diff(expected.to_bits());
        assert!(distance <= 1, "{what}: {got:e} for {expected:e}");
    }
}

/// The difference of two anomaly scores keeps the ulp of the score: compared at the score's own.
fn assert_scores(forest: &IsolationForest, records: &Records, samples: &[f64], what: &str) {
    let anomalies: Vec<f64> = samples.iter().map(|score| -score).collect();
    let got = forest.anomaly_scores(records).unwrap();
    assert_within_one_ulp(&got, &anomalies, what);
}

fn sums(forest: &IsolationForest, rows: &[Vec<f64>]) -> Vec<u64> {
    let mut scratch = Scratch::default();
    rows.iter().map(|row| forest.depth_sum(row, &mut scratch).to_bits()).collect()
}

fn hex_float(text: &str) -> u64 {
    // 0x1.5bae2b7ca60cdp+10, as Python writes it.
    let (digits, exponent) = text.strip_prefix("0x1.").unwrap().split_once('p').unwrap();
    let fraction = u64::from_str_radix(digits, 16).unwrap();
    let exponent: i64 = exponent.parse().unwrap();
    (u64::try_from(exponent + 1023).unwrap() << 52) | fraction
}

/// A file of `tests/data`.
fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

fn samples() -> serde_json::Value {
    serde_json::from_slice(&sample("samples.json")).unwrap()
}

fn small_schema() -> Arc<Schema> {
    Arc::new(Schema::new(["acid", "salt", "sulfur"].map(Feature::numeric).into()).unwrap())
}

fn small_records(rows: &serde_json::Value) -> Records {
    let rows: Vec<[f64; 3]> = serde_json::from_value(rows.clone()).unwrap();
    Records::new(small_schema(), Array2::from(rows)).unwrap()
}

#[test]
fn small_forests_answer_as_python_does() {
    let samples = samples();
    let records = small_records(&samples["rows"]);
    for name in ["forest", "alibi"] {
        let bytes = sample(&format!("{name}.pkl"));
        let forest = IsolationForest::from_sklearn(&bytes, small_schema()).unwrap();
        let expected: Vec<String> =
            serde_json::from_value(samples[name]["depth_sums"].clone()).unwrap();
        let expected: Vec<u64> = expected.iter().map(|text| hex_float(text)).collect();
        let sums = forest.depth_sums(&records).unwrap().into_iter().map(f64::to_bits);
        assert_eq!(sums.collect::<Vec<_>>(), expected, "{name}");
        let expected: Vec<f64> = serde_json::from_value(samples[name]["scores"].clone()).unwrap();
        for (got, expected) in forest.score(&records).unwrap().iter().zip(expected) {
            // One unit in the last place of the anomaly score, before the offset is added.
            assert!((got - expected).abs() <= f64::EPSILON / 2.0, "{name}: {got:e} {expected:e}");
        }
    }
}

#[test]
fn a_threshold_out_of_reach_is_known_and_can_be_calibrated() {
    let forest = IsolationForest::from_sklearn(&sample("alibi.pkl"), small_schema()).unwrap();
    assert_eq!(forest.threshold(), 5.0);
    assert!(!forest.is_threshold_reachable() && forest.highest_score() <= 0.5);
    let training = small_records(&samples()["training_rows"]);
    let forest = forest.calibrate(&training, Contamination::new(0.05).unwrap()).unwrap();
    assert!(forest.is_threshold_reachable());
    let flagged = forest.score(&training).unwrap().into_iter().filter(|s| *s > forest.threshold());
    assert_eq!(flagged.count(), 10);
    let forest = IsolationForest::from_sklearn(&sample("forest.pkl"), small_schema()).unwrap();
    assert_eq!(forest.threshold(), 0.0);
    assert!(forest.is_threshold_reachable());
}

#[test]
fn every_format_gives_one_and_the_same_forest() {
    let Some(fixtures) = mlops_testing::fixtures("isolation forests of scikit-learn") else {
        return;
    };
    let folder = fixtures.join("outlier");
    let expected = fs::read_to_string(folder.join("expected200.csv")).unwrap();
    let rows = fs::read_to_string(folder.join("rows200.csv")).unwrap();
    let columns = NAMES.map(|name| numbers(&rows, name));
    let values = Array2::from_shape_fn((200, 12), |(row, column)| columns[column][row]);
    let records = Records::new(schema(), values.clone()).unwrap();
    let rows: Vec<Vec<f64>> = values.rows().into_iter().map(|row| row.to_vec()).collect();
    let load =
        |file: &str| IsolationForest::from_sklearn(&content(&folder.join(file)), schema()).unwrap();

    let hex: Vec<u64> =
        column(&expected, "if100_depth_sum_hex").iter().map(|text| hex_float(text)).collect();
    for file in
        ["if100.cloudpickle.pkl", "if100.p4.pkl.gz", "if100.joblib.pkl.gz", "if100.deflate.skops"]
    {
        let forest = load(file);
        assert_eq!(sums(&forest, &rows), hex, "{file}");
        assert_scores(&forest, &records, &numbers(&expected, "if100_score_samples"), file);
        let decision = numbers(&expected, "if100_decision_function");
        let is_outlier = forest.score(&records).unwrap().into_iter().map(|score| score > 0.0);
        assert!(is_outlier.eq(decision.iter().map(|decision| *decision < 0.0)), "{file}");
    }
    let if5: Vec<u64> =
        numbers(&expected, "if5_depth_sum").iter().map(|sum| sum.to_bits()).collect();
    for file in ["if5.p4.pkl", "if5.p5.pkl", "if5.joblib.pkl", "if5.skops"] {
        let forest = load(file);
        assert_eq!(sums(&forest, &rows), if5, "{file}");
        assert_scores(&forest, &records, &numbers(&expected, "if5_score_samples"), file);
    }
    let pipe = load("pipe100.cloudpickle.pkl.gz");
    assert_scores(&pipe, &records, &numbers(&expected, "pipe100_score_samples"), "pipe100");
    // The same trees, fitted by three versions of scikit-learn; the power function of numpy before 2 is off
    // by up to three units in the last place.
    for (file, column) in [
        ("if5_sk1.2.2.cloudpickle.pkl", "sk1.2.2_score"),
        ("if5_sk1.5.2.cloudpickle.pkl", "sk1.5.2_score"),
        ("if5_sk1.9.1.cloudpickle.pkl", "sk1.9.1_c05_score"),
    ] {
        let forest = load(file);
        assert_eq!(sums(&forest, &rows), if5, "{file}");
        let scores = forest.score(&records).unwrap();
        for (score, expected) in scores.iter().zip(numbers(&expected, column)) {
            let anomaly = score - forest.offset();
            assert!((anomaly + expected).abs() < 2e-16, "{file}: {anomaly:e} for {expected:e}");
        }
    }
    let alibi = load("alibi_pipe100.cloudpickle.pkl.gz");
    let scores = alibi.score(&records).unwrap();
    for (score, expected) in scores.iter().zip(numbers(&expected, "alibi_instance_score")) {
        // One unit in the last place of the anomaly score, before 1/2 is subtracted.
        assert!((score - expected).abs() <= f64::EPSILON / 2.0, "{score:e} for {expected:e}");
    }
    assert_eq!(alibi.threshold(), 5.0);
    assert!(!alibi.is_threshold_reachable());
}

/// A forest as its arrays were exported to JSON.
#[derive(Deserialize)]
struct Export {
    max_samples: usize,
    offset: f64,
    trees: Vec<ExportedTree>,
}

#[derive(Deserialize)]
struct ExportedTree {
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    n: Vec<usize>,
    nan_left: Vec<u8>,
}

impl ExportedTree {
    fn node(&self, at: usize) -> Node<usize> {
        let position = |value: i64| usize::try_from(value).unwrap();
        if self.left[at] < 0 {
            return Node::Leaf { value: self.n[at] };
        }
        Node::Split {
            feature: position(self.feature[at]),
            threshold: threshold_at_most(self.threshold[at]),
            missing: if self.nan_left[at] == 1 { Side::Left } else { Side::Right },
            left: position(self.left[at]),
            right: position(self.right[at]),
        }
    }
}

#[test]
fn every_node_is_that_of_the_exported_arrays() {
    let Some(fixtures) = mlops_testing::fixtures("exported arrays of scikit-learn") else { return };
    let folder = fixtures.join("outlier");
    for (export, files) in [
        (
            "if100.json.gz",
            &[
                "if100.cloudpickle.pkl",
                "if100.p4.pkl.gz",
                "if100.joblib.pkl.gz",
                "if100.deflate.skops",
            ][..],
        ),
        ("if5.json", &["if5.p4.pkl", "if5.p5.pkl", "if5.joblib.pkl", "if5.skops"]),
    ] {
        let export: Export = serde_json::from_slice(&content(&folder.join(export))).unwrap();
        for file in files {
            let graph = read(&content(&folder.join(file)), &Limits::default()).unwrap();
            let forest = PythonForest::read(&graph.root()).unwrap();
            assert_eq!((forest.max_samples, forest.offset), (export.max_samples, export.offset));
            assert_eq!(forest.trees.len(), export.trees.len(), "{file}");
            for (tree, exported) in forest.trees.iter().zip(&export.trees) {
                let nodes: Vec<_> = (0..exported.n.len()).map(|at| exported.node(at)).collect();
                assert_eq!(tree.nodes(), nodes, "{file}");
            }
        }
    }
}

#[test]
fn leaves_are_those_of_scikit_learn() {
    let Some(fixtures) = mlops_testing::fixtures("leaf indices of scikit-learn") else { return };
    let folder = fixtures.join("outlier");
    let graph = read(&content(&folder.join("if100.cloudpickle.pkl")), &Limits::default()).unwrap();
    let python = PythonForest::read(&graph.root()).unwrap();
    let builder = python.trees.iter().fold(Forest::builder(12), |builder, tree| {
        let position = |(at, node): (usize, &Node<usize>)| match *node {
            Node::Leaf { .. } => Node::Leaf { value: at },
            split @ Node::Split { .. } => split,
        };
        builder.tree(tree.nodes().iter().enumerate().map(position).collect())
    });
    let forest = builder.build().unwrap();
    let npy = fs::read(folder.join("if100_leaf_index.npy")).unwrap();
    // Behind the header of 128 bytes, 200 x 100 positions of 16 bits, tree by tree.
    let by_tree: Vec<usize> = npy[128..]
        .as_chunks::<2>()
        .0
        .iter()
        .map(|bytes| u16::from_le_bytes(*bytes).into())
        .collect();
    assert_eq!(by_tree.len(), 200 * 100);
    let expected: Vec<usize> =
        (0..200).flat_map(|row| by_tree.iter().skip(row).step_by(200).copied()).collect();
    let rows = fs::read_to_string(folder.join("rows200.csv")).unwrap();
    let columns = NAMES.map(|name| numbers(&rows, name));
    let mut rows = forest.rows(200);
    for at in 0..200 {
        rows.push(&columns.each_ref().map(|column| column[at]));
    }
    let mut leaves = vec![Vec::new(); 200];
    forest.for_each_leaf(&rows, |row, _, values| leaves[row].extend_from_slice(values));
    assert_eq!(leaves.concat(), expected);
}

#[derive(Deserialize)]
struct EdgeRows {
    rows: Vec<Vec<Value>>,
    score_samples: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(f64),
    Text(String),
}

#[test]
fn missing_infinite_and_huge_values_go_the_way_of_scikit_learn() {
    let Some(fixtures) = mlops_testing::fixtures("edge rows of scikit-learn") else { return };
    let folder = fixtures.join("outlier");
    let edge: EdgeRows =
        serde_json::from_slice(&fs::read(folder.join("edge_rows.json")).unwrap()).unwrap();
    let forest = content(&folder.join("if100.cloudpickle.pkl"));
    let forest = IsolationForest::from_sklearn(&forest, schema()).unwrap();
    let number = |value: &Value| match value {
        Value::Number(number) => *number,
        Value::Text(text) => text.parse().unwrap(),
    };
    let anomaly = |values: &Vec<Value>| {
        let row: Vec<f64> = values.iter().map(number).collect();
        -forest.anomaly_score(forest.depth_sum(&row, &mut Scratch::default()))
    };
    let anomalies: Vec<f64> = edge.rows.iter().map(anomaly).collect();
    assert_within_one_ulp(&anomalies, &edge.score_samples, "edge rows");
}

#[derive(Deserialize)]
struct Expected {
    rows: Vec<Vec<f64>>,
    instance_score: Vec<f64>,
}

#[test]
fn the_wine_forests_of_two_ages_answer_as_python_does() {
    let Some(fixtures) = mlops_testing::fixtures("outlier models of the Python system") else {
        return;
    };
    let expected = fs::read(fixtures.join("seed_era/expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    let bytes = fs::read(fixtures.join("seed_era/wine_quality_outlier/model.pkl")).unwrap();
    let forest = IsolationForest::from_sklearn(&bytes, schema()).unwrap();
    let values = Array2::from_shape_vec((200, 12), expected.rows.concat()).unwrap();
    let records = Records::new(schema(), values).unwrap();
    let scores = forest.score(&records).unwrap();
    assert_eq!(scores.len(), expected.instance_score.len());
    for (score, expected) in scores.iter().zip(expected.instance_score) {
        assert!((score - expected).abs() <= f64::EPSILON / 2.0, "{score:e} for {expected:e}");
    }
    assert!(!forest.is_threshold_reachable());
    let forest = forest.calibrate(&records, Contamination::new(0.05).unwrap()).unwrap();
    let outliers = forest.score(&records).unwrap().into_iter().filter(|s| *s > forest.threshold());
    assert_eq!(outliers.count(), 10);
}

#[test]
fn changed_files_are_forests_or_errors() {
    let files = ["forest.pkl", "alibi.pkl"].map(sample);
    let records = small_records(&samples()["rows"]);
    let mut mutator = Mutator::new(0xF0);
    for round in 0..n_mutations() / 10 {
        let bytes = mutator.mutate(&files[round % files.len()]);
        if let Ok(forest) = IsolationForest::from_sklearn(bytes, small_schema()) {
            assert_eq!(forest.score(&records).unwrap().len(), records.n_rows());
            let _ = forest.explain(&records);
        }
    }
}

#[test]
fn what_is_no_forest_is_named() {
    let error =
        |bytes: &[u8]| IsolationForest::from_sklearn(bytes, schema()).unwrap_err().to_string();
    let found = error(b"cos\nsystem\n(S'rm -rf /'\ntR.");
    assert!(found.contains("os.system") && found.contains("IsolationForest"), "{found}");
    let found = error(b"csklearn.ensemble._forest\nRandomForestClassifier\n)\x81.");
    assert!(found.contains("RandomForestClassifier"), "{found}");
    let found = error(b"csklearn.ensemble._iforest\nIsolationForest\n)\x81.");
    assert!(found.contains("estimators_"), "{found}");
}

/// A file with other bytes in the place of the first `old`; its frame, if it has one, grows with it.
fn replaced(file: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = file.windows(old.len()).position(|bytes| bytes == old).unwrap();
    let mut replaced = [&file[..at], new, &file[at + old.len()..]].concat();
    // Protocol, then the frame's mark and its length in eight bytes.
    let length = u64::from_le_bytes(file[3..11].try_into().unwrap());
    assert_eq!(file[2], 0x95);
    let longer = length + (new.len() - old.len()) as u64;
    replaced[3..11].copy_from_slice(&longer.to_le_bytes());
    replaced
}

#[test]
fn offsets_and_thresholds_that_are_no_numbers_are_refused() {
    let training = small_records(&samples()["training_rows"]);
    let contamination = Contamination::new(0.05).unwrap();
    let offset = |offset: f64| {
        let value = |value: f64| [&b"hkC\x08"[..], &value.to_le_bytes()].concat();
        let stored = IsolationForest::from_sklearn(&sample("forest.pkl"), small_schema()).unwrap();
        let file = replaced(&sample("forest.pkl"), &value(stored.offset()), &value(offset));
        IsolationForest::from_sklearn(&file, small_schema())
    };
    offset(-0.25).unwrap().calibrate(&training, contamination).unwrap();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(matches!(offset(value).unwrap_err(), Error::Python(_)), "{value}");
    }
    let threshold = |threshold: f64| {
        let new = [&b"threshold\x94G"[..], &threshold.to_be_bytes()].concat();
        let file = replaced(&sample("alibi.pkl"), b"threshold\x94K\x05", &new);
        IsolationForest::from_sklearn(&file, small_schema())
    };
    for value in [f64::NAN, f64::NEG_INFINITY] {
        assert!(matches!(threshold(value).unwrap_err(), Error::Python(_)), "{value}");
    }
    // No score exceeds it, in this file and in ours.
    for value in [7.0, f64::INFINITY] {
        let forest = threshold(value).unwrap();
        let read = IsolationForest::from_json(&forest.to_json(), small_schema()).unwrap();
        assert_eq!((forest.threshold(), read.threshold()), (value, value));
    }
}
