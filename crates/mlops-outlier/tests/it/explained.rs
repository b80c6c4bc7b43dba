use mlops_core::Explainer;
use mlops_outlier::{Error, MaxDepth};
use ndarray::{Axis, array};

use super::*;

#[test]
fn contributions_add_up_to_the_logarithm_of_the_anomaly_score() {
    let training = records(with_gaps(2000, 5, 1));
    let params = IsolationForest::params();
    for params in [
        params,
        params.bootstrap(true).max_features(2),
        params.max_depth(MaxDepth::Unlimited),
        params.max_samples(3),
    ] {
        let forest = params.fit(&training).unwrap();
        let rows = records(with_gaps(500, 5, 2) * 2.0);
        let explained = forest.explain(&rows).unwrap();
        assert_eq!((explained.base_values.len(), explained.values.dim()), (1, (500, 1, 5)));
        let anomalies = forest.anomaly_scores(&rows).unwrap();
        for (row, anomaly) in explained.values.axis_iter(Axis(0)).zip(anomalies) {
            let output = explained.base_values[0] + row.sum();
            assert!((output - anomaly.log2()).abs() < 1e-9, "{output} {}", anomaly.log2());
        }
    }
}

#[test]
fn contributions_have_the_same_bits_in_every_batch() {
    let forest = IsolationForest::params().fit(&records(with_gaps(500, 3, 1))).unwrap();
    let rows = records(with_gaps(200, 3, 2));
    let all = forest.explain(&rows).unwrap();
    for row in 0..200 {
        let alone = forest.explain(&rows.select(&[row])).unwrap();
        assert_eq!(alone.values.index_axis(Axis(0), 0), all.values.index_axis(Axis(0), row));
    }
}

#[test]
fn wide_forests_are_explained_in_the_same_way() {
    // More features than the table of leaves holds: the ways are climbed.
    let values = normal(500, 80, 1);
    let forest = IsolationForest::params().fit(&records(values)).unwrap();
    let mut row = Array2::zeros((1, 80));
    row[[0, 77]] = 50.0;
    let rows = records(row);
    let explained = forest.explain(&rows).unwrap();
    let output = explained.base_values[0] + explained.values.sum();
    assert!((output - forest.anomaly_scores(&rows).unwrap()[0].log2()).abs() < 1e-9);
    let largest = explained.values.iter().copied().fold(f64::MIN, f64::max);
    assert_eq!(explained.values[[0, 0, 77]], largest);
}

#[test]
fn a_feature_that_is_never_split_by_contributes_nothing() {
    let mut values = normal(500, 3, 1);
    values.column_mut(1).fill(7.0);
    let forest = IsolationForest::params().fit(&records(values)).unwrap();
    let row = array![[1.0, -1e6, 4.0]];
    let explained = forest.explain(&records(row.clone())).unwrap();
    assert_eq!(explained.values[[0, 0, 1]], 0.0);
    assert!(explained.values[[0, 0, 2]] > 0.0);
    let ranking = forest.diffi_ranking(row.as_slice().unwrap()).unwrap();
    assert!(!ranking.contains(&1));
}

#[test]
fn forests_of_one_leaf_per_tree_have_nothing_to_explain() {
    let forest = IsolationForest::params().fit(&records(normal(50, 2, 1))).unwrap();
    let stumps = edited(&forest, |file| {
        for tree in file["trees"].as_array_mut().unwrap() {
            *tree = serde_json::json!([{"leaf": {"n_samples": 50}}]);
        }
    });
    let rows = records(array![[0.0, 9.0]]);
    let explained = stumps.explain(&rows).unwrap();
    assert_eq!(explained.values.sum(), 0.0);
    assert_eq!(stumps.local_diffi(&[0.0, 9.0]).unwrap(), [0.0, 0.0]);
    assert!(!stumps.is_threshold_reachable());
    let error = stumps.with_threshold(0.0).unwrap_err();
    assert!(matches!(error, Error::UnreachableThreshold { .. }));
}

#[test]
fn planted_features_are_found() {
    let forest = IsolationForest::params().fit(&records(normal(3000, 8, 1))).unwrap();
    let mut values = normal(200, 8, 2);
    for row in 0..200 {
        values[[row, row % 8]] = 6.0;
    }
    let rows = records(values.clone());
    let explained = forest.explain(&rows).unwrap();
    let (mut by_contribution, mut by_diffi) = (0, 0);
    for row in 0..200 {
        let contributions = explained.values.index_axis(Axis(0), row);
        let first = (0..8).max_by(|a, b| contributions[[0, *a]].total_cmp(&contributions[[0, *b]]));
        by_contribution += usize::from(first == Some(row % 8));
        let ranking = forest.diffi_ranking(&values.row(row).to_vec()).unwrap();
        by_diffi += usize::from(ranking[0] == row % 8);
    }
    assert!(by_contribution > 180, "{by_contribution} of 200");
    assert!(by_diffi > 180, "{by_diffi} of 200");
}
