use mlops_pyobject::sklearn::Pipeline;
use mlops_pyobject::{Error, Limits, Object, read};
use serde_json::Value;

use crate::support::{self, hex, hex_table, same};

const FILES: [&str; 10] = [
    "forest.p0.pkl",
    "forest.p1.pkl",
    "forest.p2.pkl",
    "forest.p3.pkl",
    "forest.p4.pkl",
    "forest.p5.pkl",
    "forest.cloudpickle.pkl",
    "forest.joblib",
    "forest.stored.skops",
    "forest.deflated.skops",
];

#[test]
fn a_forest_is_the_same_in_every_format() {
    let expected = support::json("forest.json");
    for file in FILES {
        let graph = support::graph(file);
        let pipeline = Pipeline::read(&graph.root()).unwrap();
        let forest = pipeline.estimator;
        forest.expect_instance("sklearn.ensemble", "IsolationForest").unwrap();
        assert!(
            same(forest.attribute("offset_").unwrap().float().unwrap(), hex(&expected["offset"])),
            "{file}"
        );
        let max_samples = forest.attribute("max_samples_").unwrap().count().unwrap();
        assert_eq!(Some(max_samples as u64), expected["max_samples"].as_u64(), "{file}");
        let trees = forest.attribute("estimators_").unwrap().items().unwrap();
        let expected = expected["trees"].as_array().unwrap();
        assert_eq!(trees.len(), expected.len(), "{file}");
        for (tree, expected) in trees.iter().zip(expected) {
            same_tree(&tree.attribute("tree_").unwrap(), expected);
        }
    }
}

#[test]
fn rows_are_preprocessed_to_the_bit() {
    let expected = support::json("forest.json");
    for file in FILES {
        let graph = support::graph(file);
        let preprocessing = Pipeline::read(&graph.root()).unwrap().preprocessing.unwrap();
        assert_eq!(preprocessing.inputs(), [0, 1, 2, 3], "{file}");
        let rows = hex_table(&expected["rows"]);
        for (row, expected) in rows.iter().zip(hex_table(&expected["preprocessed"])) {
            let transformed = preprocessing.transform_row(row);
            let equal = transformed.len() == expected.len()
                && transformed.iter().zip(&expected).all(|(left, right)| same(*left, *right));
            assert!(equal, "{file}: {transformed:?} {expected:?}");
        }
    }
}

#[test]
fn errors_name_the_way_and_the_class() {
    let graph = support::graph("forest.p5.pkl");
    let forest = graph.root().attribute("steps").unwrap().item(2).unwrap().item(1).unwrap();
    let tree =
        forest.attribute("estimators_").unwrap().item(1).unwrap().attribute("tree_").unwrap();
    let error = tree.expect_instance("sklearn.pipeline", "Pipeline").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`steps[2][1].estimators_[1].tree_` is an instance of `sklearn.tree._tree.Tree`, expected \
         an instance of `Pipeline` in `sklearn.pipeline`"
    );
    let error = tree.attribute("node").unwrap_err();
    assert_eq!(error.to_string(), "`steps[2][1].estimators_[1].tree_` has no attribute `node`");
    let error = graph.root().attribute("steps").unwrap().item(3).unwrap_err();
    assert_eq!(error.to_string(), "`steps` has no item 3, its length is 3");
}

#[test]
fn compressed_joblib_files_are_refused_by_name() {
    let error = read(&support::sample("forest.zlib.joblib"), &Limits::default()).unwrap_err();
    assert_eq!(error, Error::Unsupported { what: "a file compressed with zlib" });
}

fn same_tree(tree: &Object<'_>, expected: &Value) {
    let nodes = tree.attribute("nodes").unwrap().array().unwrap();
    assert_eq!(nodes.len(), tree.attribute("node_count").unwrap().count().unwrap());
    assert_eq!(tree.argument(0).unwrap().integer().unwrap(), 4, "features");
    for (field, expected) in expected.as_object().unwrap() {
        let values = nodes.field(field).unwrap().floats().unwrap();
        let expected: Vec<f64> =
            expected.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!(values, expected, "{field}");
    }
    assert!(!nodes.has_field("depth"));
}
