use mlops_outlier::MaxDepth;

use super::*;

/// The training rows that each tree holds in its leaves.
fn rows_per_tree(forest: &IsolationForest) -> Vec<u64> {
    let file: serde_json::Value = serde_json::from_slice(&forest.to_json()).unwrap();
    let trees = file["trees"].as_array().unwrap().iter();
    let rows = |tree: &serde_json::Value| {
        let nodes = tree.as_array().unwrap().iter();
        nodes.filter_map(|node| node["leaf"]["n_samples"].as_u64()).sum()
    };
    trees.map(rows).collect()
}

#[test]
fn trees_hold_as_many_rows_as_the_forest_says() {
    let training = records(with_gaps(100, 3, 1));
    for max_samples in [3, 64, 100, 101, 256, usize::MAX] {
        for bootstrap in [false, true] {
            for depth in [MaxDepth::Auto, MaxDepth::Unlimited] {
                let params = IsolationForest::params().n_estimators(5).max_samples(max_samples);
                let forest = params.bootstrap(bootstrap).max_depth(depth).fit(&training).unwrap();
                assert_eq!(forest.max_samples(), max_samples.min(100));
                let expected = vec![max_samples.min(100) as u64; 5];
                assert_eq!(rows_per_tree(&forest), expected, "{max_samples} {bootstrap} {depth:?}");
            }
        }
    }
}
