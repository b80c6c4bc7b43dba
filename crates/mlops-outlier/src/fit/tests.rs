use std::collections::HashSet;

use mlops_core::OutlierDetector;
use mlops_forest::{Node, Side};
use ndarray::{Array2, Axis, array, concatenate};
use proptest::prelude::*;

use super::grow::{grow, spread};
use super::subsample::Columns;
use super::*;
use crate::testing::{normal, records};
use crate::{Contamination, MaxDepth};

fn fit(values: Array2<f64>) -> Result<IsolationForest, Error> {
    IsolationForest::params().fit(&records(values))
}

/// How many splits of all trees read each feature.
fn splits_per_feature(forest: &IsolationForest) -> Vec<usize> {
    let mut counts = vec![0; forest.schema().len()];
    for node in forest.trees().iter().flat_map(Tree::nodes) {
        if let Node::Split { feature, .. } = *node {
            counts[feature] += 1;
        }
    }
    counts
}

/// The probability that an outlier scores higher than another row.
fn area_under_curve(outliers: &[f64], others: &[f64]) -> f64 {
    let wins: f64 = outliers
        .iter()
        .flat_map(|outlier| others.iter().map(move |other| outlier.total_cmp(other)))
        .map(|order| f64::from(order as i8) / 2.0 + 0.5)
        .sum();
    wins / (outliers.len() * others.len()) as f64
}

#[test]
fn planted_outliers_score_highest() {
    let planted = array![[5.0, 5.0, -5.0], [-4.0, 6.0, 4.0], [-7.0, -7.0, 0.0]];
    let values = concatenate![Axis(0), normal(1000, 3, 1), planted];
    let training = records(values);
    let contamination = Contamination::new(0.01).unwrap();
    let params = IsolationForest::params().seed(3).contamination(contamination);
    let forest = params.fit(&training).unwrap();
    let scores = forest.score(&training).unwrap();
    let highest = scores[..1000].iter().copied().fold(f64::MIN, f64::max);
    assert!(scores[1000..].iter().all(|score| *score > highest), "{highest} {:?}", &scores[1000..]);
    assert!(scores[1000..].iter().all(|score| *score > forest.threshold()));
}

#[test]
fn a_ring_around_a_cloud_is_told_from_it() {
    let cloud = normal(2000, 2, 1);
    let ring = Array2::from_shape_fn((100, 2), |(row, column)| {
        let angle = row as f64 / 100.0 * std::f64::consts::TAU;
        3.5 * if column == 0 { angle.cos() } else { angle.sin() }
    });
    let training = records(concatenate![Axis(0), cloud, ring]);
    let scores = IsolationForest::params().fit(&training).unwrap().score(&training).unwrap();
    let area = area_under_curve(&scores[2000..], &scores[..2000]);
    assert!(area > 0.97, "{area}");
}

#[test]
fn a_seed_determines_every_tree_and_neighbours_share_none() {
    let training = records(normal(400, 3, 1));
    let params = IsolationForest::params().n_estimators(30).max_samples(64);
    let forest = params.seed(8).fit(&training).unwrap();
    assert_eq!(params.seed(8).fit(&training).unwrap().trees(), forest.trees());
    let next = params.seed(9).fit(&training).unwrap();
    assert!(forest.trees().iter().all(|tree| !next.trees().contains(tree)));
    let different: HashSet<_> =
        forest.trees().iter().map(|tree| format!("{:?}", tree.nodes())).collect();
    assert_eq!(different.len(), 30);
    let smaller = params.n_estimators(7).seed(8).fit(&training).unwrap();
    assert_eq!(smaller.trees(), &forest.trees()[..7]);
}

#[test]
fn trees_have_as_many_nodes_as_those_of_scikit_learn() {
    // scikit-learn 1.9.1 on 12 normal columns: 122 nodes per tree on average, sd 3 over forests.
    let forest = fit(normal(5000, 12, 1)).unwrap();
    let n_nodes: usize = forest.trees().iter().map(|tree| tree.nodes().len()).sum();
    let average = n_nodes as f64 / 100.0;
    assert!((average - 122.0).abs() < 9.0, "{average}");
}

#[test]
fn data_in_which_no_row_can_be_an_outlier_are_refused() {
    for values in [
        array![[1.0, 2.0]],
        array![[1.0, 2.0], [3.0, 4.0]],
        Array2::from_elem((500, 3), 7.0),
        Array2::from_elem((10, 2), f64::NAN),
    ] {
        let error = fit(values).unwrap_err();
        let Error::UnreachableThreshold { lowest, highest, .. } = error else { panic!("{error}") };
        assert_eq!(lowest, highest);
        assert!(highest.abs() < 1e-14, "a hundred roundings from 0: {highest}");
    }
    assert_eq!(fit(Array2::zeros((0, 2))).unwrap_err(), Error::NoRows);
}

#[test]
fn a_crowd_at_the_highest_score_needs_a_higher_contamination() {
    let values = Array2::from_shape_fn((200, 1), |(row, _)| f64::from(row < 10));
    let values = records(values);
    let params = |contamination| {
        IsolationForest::params().contamination(Contamination::new(contamination).unwrap())
    };
    let error = params(0.01).fit(&values).unwrap_err();
    assert!(matches!(error, Error::UnreachableThreshold { .. }), "{error}");
    let forest = params(0.06).fit(&values).unwrap();
    let scores = forest.score(&records(array![[0.0], [1.0]])).unwrap();
    assert!(scores[0] <= forest.threshold() && forest.threshold() < scores[1]);
}

#[test]
fn parameters_are_checked() {
    let training = records(normal(10, 1, 1));
    let params = IsolationForest::params();
    assert_eq!(params.n_estimators(0).fit(&training).unwrap_err(), Error::NoTrees);
    assert_eq!(params.max_samples(0).fit(&training).unwrap_err(), Error::NoSamples);
    assert_eq!(params.max_features(0).fit(&training).unwrap_err(), Error::NoFeatures);
}

#[test]
fn three_rows_are_enough() {
    let forest = fit(array![[0.0], [1.0], [10.0]]).unwrap();
    assert_eq!(forest.max_samples(), 3);
    let scores = forest.score(&records(array![[0.0], [1.0], [10.0]])).unwrap();
    assert!(scores[2] > scores[0] && scores[2] > scores[1], "{scores:?}");
}

#[test]
fn copies_of_rows_stay_together() {
    let values = Array2::from_shape_fn((300, 2), |(row, _)| (row % 3) as f64);
    let forest = fit(concatenate![Axis(0), values, array![[9.0, 9.0]]]).unwrap();
    assert!(forest.trees().iter().all(|tree| tree.nodes().len() <= 7), "at most four leaves");
    let scores = forest.score(&records(array![[1.0, 1.0], [9.0, 9.0]])).unwrap();
    assert!(scores[1] > scores[0]);
}

#[test]
fn large_offsets_and_tiny_scales_are_split_like_other_columns() {
    let scale = array![1.0, 1.0, 1e-9, 1e-30];
    let offset = array![0.0, 1e9, 0.0, 0.0];
    let training = records(normal(2000, 4, 1) * &scale + &offset);
    let forest = IsolationForest::params().fit(&training).unwrap();
    let counts = splits_per_feature(&forest);
    let expected = counts.iter().sum::<usize>() as f64 / 4.0;
    assert!(counts.iter().all(|&count| (count as f64 / expected - 1.0).abs() < 0.1), "{counts:?}");
    for column in 0..4 {
        let mut rows = Array2::from_shape_fn((2, 4), |(_, column)| offset[column]);
        rows[[1, column]] += 8.0 * scale[column];
        let scores = forest.score(&records(rows)).unwrap();
        assert!(scores[1] > scores[0] + 0.1, "column {column}: {scores:?}");
    }
}

#[test]
fn constant_and_missing_columns_are_never_split() {
    let mut values = normal(500, 3, 1);
    values.column_mut(0).fill(0.1);
    values.column_mut(2).fill(f64::NAN);
    let counts = splits_per_feature(&fit(values).unwrap());
    assert_eq!((counts[0], counts[2]), (0, 0));
    assert!(counts[1] > 0);
}

#[test]
fn missing_values_are_no_evidence() {
    let mut values = normal(1000, 3, 1);
    for row in 0..300 {
        values[[row, row % 3]] = f64::NAN;
    }
    let training = records(values);
    let forest = IsolationForest::params().fit(&training).unwrap();
    let scores = forest.score(&training).unwrap();
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    assert!(mean(&scores[..300]) < mean(&scores[300..]), "a missing value goes with the majority");
    let all_missing = records(Array2::from_elem((1, 3), f64::NAN));
    assert!(forest.score(&all_missing).unwrap()[0] < 0.0);
}

#[test]
fn sampling_takes_every_row_when_there_are_few() {
    let forest = fit(normal(100, 2, 1)).unwrap();
    assert_eq!(forest.max_samples(), 100);
    for tree in forest.trees() {
        let n_rows: usize = tree
            .nodes()
            .iter()
            .map(|node| match *node {
                Node::Leaf { value } => value,
                Node::Split { .. } => 0,
            })
            .sum();
        assert_eq!(n_rows, 100);
    }
}

fn values() -> impl Strategy<Value = Vec<Vec<f32>>> {
    let value = prop_oneof![
        3 => (-2_i8..3).prop_map(f32::from),
        1 => Just(f32::NAN),
        1 => any::<f32>().prop_filter("finite", |x| x.is_finite()),
    ];
    (1..4_usize, 1..40_usize).prop_flat_map(move |(n_columns, n_rows)| {
        prop::collection::vec(prop::collection::vec(value.clone(), n_rows), n_columns)
    })
}

proptest! {
    #[test]
    fn every_split_parts_its_rows_and_every_leaf_has_a_reason(columns in values(), seed: u64) {
        let n_rows = columns[0].len();
        let random = Random::stream(seed, 0);
        let deepest = MaxDepth::Auto.limit(n_rows);
        let nodes = grow(&Columns::new(&columns), usize::MAX, deepest, random);
        let mut pending = vec![(0, 0, (0..n_rows).collect::<Vec<_>>())];
        while let Some((at, depth, rows)) = pending.pop() {
            match nodes[at] {
                Node::Leaf { value } => {
                    prop_assert_eq!(value, rows.len());
                    let constant = columns.iter().all(|column| {
                        let spread = spread(column, &rows);
                        spread.min >= spread.max
                    });
                    prop_assert!(constant || depth == deepest);
                }
                Node::Split { feature, threshold, missing, left, right } => {
                    let column = &columns[feature];
                    let present = |row: &usize| !column[*row].is_nan();
                    let (low, high): (Vec<_>, Vec<_>) = rows
                        .iter()
                        .copied()
                        .filter(present)
                        .partition(|row| column[*row] < threshold);
                    prop_assert!(!low.is_empty() && !high.is_empty());
                    prop_assert_eq!(missing == Side::Left, low.len() > high.len());
                    let absent = rows.iter().copied().filter(|row| !present(row));
                    let (mut low, mut high) = (low, high);
                    if missing == Side::Left { low.extend(absent) } else { high.extend(absent) }
                    pending.push((left, depth + 1, low));
                    pending.push((right, depth + 1, high));
                }
            }
        }
    }
}
