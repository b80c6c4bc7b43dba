use mlops_outlier::{Contamination, MaxDepth, Scratch};
use ndarray::{Axis, array, concatenate};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn small(seed: u64) -> IsolationForest {
    IsolationForest::params()
        .n_estimators(20)
        .seed(seed)
        .fit(&records(with_gaps(300, 4, 1)))
        .unwrap()
}

fn assert_almost(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-14, "{what}: {got:e} for {expected:e}");
    }
}

#[test]
fn anomaly_scores_are_shares_and_the_names_agree() {
    let forest = small(1);
    let rows =
        records(concatenate![Axis(0), with_gaps(200, 4, 2), array![[3e38, -3e38, f64::NAN, 0.0]]]);
    let anomalies = forest.anomaly_scores(&rows).unwrap();
    assert!(anomalies.iter().all(|score| *score > 0.0 && *score <= 1.0));
    let negative = |scores: Vec<f64>| scores.into_iter().map(|score| -score).collect::<Vec<_>>();
    assert_eq!(negative(forest.score_samples(&rows).unwrap()), anomalies);
    let scores = forest.score(&rows).unwrap();
    assert_eq!(negative(forest.decision_function(&rows).unwrap()), scores);
    assert_eq!(anomalies.iter().map(|score| score - 0.5).collect::<Vec<_>>(), scores);
    let range = forest.lowest_score()..=forest.highest_score();
    assert!(scores.iter().all(|score| range.contains(score)));
}

#[test]
fn a_row_has_the_same_bits_in_every_batch_and_memory() {
    let forest = small(1);
    let values = with_gaps(1000, 4, 2);
    let all = records(values.clone());
    let expected = bits(&forest, &all);
    let (mut scratch, mut scores) = (Scratch::default(), Vec::new());
    for size in [1, 2, 3, 7, 64, 65, 500] {
        let mut got = Vec::new();
        for first in (0..1000).step_by(size) {
            let rows: Vec<usize> = (first..(first + size).min(1000)).collect();
            forest.score_into(&all.select(&rows), &mut scratch, &mut scores).unwrap();
            got.extend(scores.iter().map(|score| score.to_bits()));
        }
        assert_eq!(got, expected, "{size} rows at a time");
    }
    let columns_first = values.t().as_standard_layout().into_owned().reversed_axes();
    assert_eq!(bits(&forest, &records(columns_first)), expected);
    let rows = values.rows().into_iter().map(|row| row.to_vec());
    let sums: Vec<f64> = rows.map(|row| forest.depth_sum(&row, &mut scratch)).collect();
    assert_eq!(forest.depth_sums(&all).unwrap(), sums);
}

#[test]
fn scratch_serves_forests_of_all_widths() {
    let (narrow, wide) =
        (small(1), IsolationForest::params().fit(&records(normal(300, 9, 1))).unwrap());
    let (mut scratch, mut scores) = (Scratch::default(), Vec::new());
    for _ in 0..2 {
        narrow.score_into(&records(normal(3, 4, 1)), &mut scratch, &mut scores).unwrap();
        wide.score_into(&records(normal(5, 9, 1)), &mut scratch, &mut scores).unwrap();
        assert_eq!(scores.len(), 5);
    }
}

#[cfg(feature = "rayon")]
#[test]
fn forests_and_scores_do_not_depend_on_the_number_of_threads() {
    let training = records(with_gaps(3000, 5, 1));
    let contamination = Contamination::new(0.02).unwrap();
    let params = IsolationForest::params().bootstrap(true).max_features(3).seed(4);
    let params = params.contamination(contamination);
    let forest = params.fit(&training).unwrap();
    let expected = bits(&forest, &training);
    for n_threads in 1..=5 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let (grown, scores) = pool.install(|| {
            (params.par_fit(&training).unwrap().to_json(), forest.par_score(&training).unwrap())
        });
        assert_eq!(grown, forest.to_json());
        assert_eq!(scores.into_iter().map(f64::to_bits).collect::<Vec<_>>(), expected);
    }
    let none = records(with_gaps(0, 5, 1));
    assert!(forest.par_score(&none).unwrap().is_empty() && forest.score(&none).unwrap().is_empty());
}

#[test]
fn the_order_of_trees_and_their_number_do_not_matter() {
    let (forest, rows) = (small(1), records(with_gaps(200, 4, 2)));
    let scores = forest.score(&rows).unwrap();
    let reversed = edited(&forest, |file| file["trees"].as_array_mut().unwrap().reverse());
    assert_almost(&reversed.score(&rows).unwrap(), &scores, "reversed");
    let twice = edited(&forest, |file| {
        let trees = file["trees"].as_array_mut().unwrap();
        trees.extend_from_within(..);
    });
    assert_eq!(twice.n_estimators(), 40);
    assert_almost(&twice.score(&rows).unwrap(), &scores, "twice");
}

#[test]
fn features_in_another_order_give_the_same_bits() {
    let (forest, values) = (small(1), with_gaps(200, 4, 2));
    let order = [2, 0, 3, 1];
    let permuted = edited(&forest, |file| {
        let columns = &mut file["preprocessing"]["stages"][0]["scaler"]["columns"];
        *columns = order.iter().map(|feature| columns[feature].clone()).collect();
        for tree in file["trees"].as_array_mut().unwrap() {
            for node in tree.as_array_mut().unwrap() {
                if let Some(split) = node.get_mut("split") {
                    let feature = split["feature"].as_u64().unwrap();
                    split["feature"] = json!(order.iter().position(|at| *at as u64 == feature));
                }
            }
        }
    });
    let rows = records(values.clone());
    assert_eq!(bits(&permuted, &records(values.select(Axis(1), &order))), bits(&forest, &rows));
}

#[test]
fn units_do_not_matter() {
    let (values, rows) = (with_gaps(500, 4, 1), with_gaps(200, 4, 2));
    let forest = IsolationForest::params().seed(3).fit(&records(values.clone())).unwrap();
    let expected = bits(&forest, &records(rows.clone()));
    // Powers of two are exact.
    let units = array![2.0_f64.powi(-40), 1.0, 2.0_f64.powi(30), 8.0];
    let scaled = IsolationForest::params().seed(3).fit(&records(values * &units)).unwrap();
    assert_eq!(bits(&scaled, &records(rows * &units)), expected);
}

#[test]
fn a_value_out_of_all_bounds_counts_no_more_the_farther_it_is() {
    let forest = small(1);
    for column in 0..4 {
        for sign in [1.0, -1.0] {
            let row = |value: f64| {
                let mut row = [0.1, -0.2, 0.0, 0.3];
                row[column] = sign * value;
                forest.depth_sum(&row, &mut Scratch::default()).to_bits()
            };
            assert_eq!(row(1e3), row(1e30));
            assert_eq!(row(1e3), row(f64::INFINITY));
        }
    }
}

#[test]
fn a_seed_makes_a_file_and_the_next_seed_another() {
    let training = records(with_gaps(600, 3, 1));
    let params = IsolationForest::params().n_estimators(30);
    let trees = |forest: &IsolationForest| -> Vec<String> {
        let file: serde_json::Value = serde_json::from_slice(&forest.to_json()).unwrap();
        file["trees"].as_array().unwrap().iter().map(ToString::to_string).collect()
    };
    for params in [
        params,
        params.bootstrap(true),
        params.max_features(1),
        params.max_depth(MaxDepth::Unlimited),
        params.max_depth(MaxDepth::Splits(3)),
        params.contamination(Contamination::new(0.1).unwrap()),
    ] {
        let forest = params.seed(8).fit(&training).unwrap();
        assert_eq!(params.seed(8).fit(&training).unwrap().to_json(), forest.to_json());
        let mine = trees(&forest);
        let next = trees(&params.seed(9).fit(&training).unwrap());
        assert!(mine.iter().all(|tree| !next.contains(tree)), "{params:?}");
        let first = trees(&params.seed(8).n_estimators(7).fit(&training).unwrap());
        assert_eq!(first, mine[..7], "{params:?}");
    }
}

#[test]
fn data_of_every_kind_give_a_forest_or_a_reason() {
    let refused = |values: Array2<f64>| {
        let error = IsolationForest::params().fit(&records(values)).unwrap_err();
        assert!(matches!(error, mlops_outlier::Error::UnreachableThreshold { .. }), "{error}");
    };
    refused(array![[1.0, 2.0]]);
    refused(array![[1.0, 2.0], [3.0, 5.0]]);
    refused(Array2::from_elem((300, 2), 1e9));
    refused(Array2::from_elem((300, 2), f64::NAN));
    refused(array![[1.0, f64::NAN], [f64::NAN, 2.0], [1.0, 2.0]]);

    let tells_last = |values: Array2<f64>| {
        let training = records(values);
        let scores = IsolationForest::params().fit(&training).unwrap().score(&training).unwrap();
        let (last, others) = scores.split_last().unwrap();
        assert!(others.iter().all(|score| score < last), "{scores:?}");
    };
    tells_last(array![[0.0], [1.0], [10.0]]);
    tells_last(concatenate![Axis(0), Array2::zeros((300, 2)), array![[1e-9, 1e-9]]]);
    tells_last(concatenate![Axis(0), normal(300, 1, 1) * 1e-9, array![[9e-9]]]);
    tells_last(concatenate![Axis(0), normal(300, 1, 1) + 1e9, array![[1e9 + 9.0]]]);
    tells_last(concatenate![Axis(0), normal(300, 2, 1) * 1e-300, array![[9e-300, -9e-300]]]);
    tells_last(concatenate![Axis(0), normal(300, 1, 1) * 1e37, array![[3e38]]]);
    tells_last(array![[f64::NAN, 0.0], [f64::NAN, 0.1], [f64::NAN, 0.2], [f64::NAN, 7.0]]);
}

#[test]
fn a_single_huge_value_does_not_hide_the_small_ones() {
    // Around the mean of this column, 32 bits hold steps of some hundred.
    let values = concatenate![Axis(0), normal(2000, 1, 1), array![[1e13]]];
    let forest = IsolationForest::params().fit(&records(values)).unwrap();
    let scores = forest.score(&records(array![[0.0], [4.5], [1e13]])).unwrap();
    assert!(scores[1] > scores[0] + 0.1, "{scores:?}");
}

fn table() -> impl Strategy<Value = Array2<f64>> {
    let value = prop_oneof![
        4 => (-2_i8..3).prop_map(f64::from),
        2 => -1e3..1e3,
        1 => Just(f64::NAN),
        1 => any::<f32>().prop_filter("finite", |x| x.is_finite()).prop_map(f64::from),
    ];
    (1..5_usize, 0..40_usize).prop_flat_map(move |(n_columns, n_rows)| {
        let values = prop::collection::vec(value.clone(), n_rows * n_columns);
        values.prop_map(move |values| Array2::from_shape_vec((n_rows, n_columns), values).unwrap())
    })
}

proptest! {
    #[test]
    fn every_table_gives_finite_scores_in_range_or_an_error(
        values in table(),
        seed: u64,
        bootstrap: bool,
        max_features in 1..5_usize,
        max_samples in 1..50_usize,
        depth in prop_oneof![
            Just(MaxDepth::Auto), Just(MaxDepth::Unlimited), (0..9_usize).prop_map(MaxDepth::Splits),
        ],
    ) {
        let training = records(values);
        let params = IsolationForest::params().n_estimators(10).max_samples(max_samples).seed(seed);
        let params = params.bootstrap(bootstrap).max_features(max_features).max_depth(depth);
        if let Ok(forest) = params.fit(&training) {
            let range = forest.lowest_score()..=forest.highest_score();
            for score in forest.score(&training).unwrap() {
                prop_assert!(range.contains(&score));
            }
            prop_assert!(forest.is_threshold_reachable());
        }
    }
}
