use ndarray::Axis;
use serde::Deserialize;

use super::*;

/// What `tests/data/golden_fit.py` writes, about 20 fits of scikit-learn's.
#[derive(Deserialize)]
struct Golden {
    rows: usize,
    columns: usize,
    max_samples: usize,
    max_features: usize,
    mean: Vec<f64>,
    sd: Vec<f64>,
    nodes_per_tree: Moments,
}

#[derive(Deserialize)]
struct Moments {
    mean: f64,
    sd: f64,
}

const SEEDS: u32 = 20;

fn moments(values: &[f64]) -> Moments {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Moments { mean, sd: (squares / (n - 1.0)).sqrt() }
}

/// Whether two means over all seeds differ by less than so many standard errors.
fn agree(ours: &Moments, theirs: &Moments, n_errors: f64) -> bool {
    let error = ((ours.sd.powi(2) + theirs.sd.powi(2)) / f64::from(SEEDS)).sqrt();
    (ours.mean - theirs.mean).abs() < n_errors * error
}

#[test]
fn forests_score_like_those_of_scikit_learn_on_average() {
    let golden: Vec<Golden> =
        serde_json::from_str(include_str!("../data/golden_fit.json")).unwrap();
    for case in golden {
        let mut values = normal(case.rows, case.columns, 1);
        values.slice_axis_mut(Axis(0), (..20).into()).mapv_inplace(|value| 3.0 * value);
        values.column_mut(0).mapv_inplace(f64::round_ties_even);
        let training = records(values);
        let rows = training.select(&(0..case.mean.len()).collect::<Vec<_>>());
        let params = IsolationForest::params().max_samples(case.max_samples);
        let params = params.max_features(case.max_features);
        let (mut scores, mut sizes) = (vec![Vec::new(); case.mean.len()], Vec::new());
        for seed in 0..SEEDS {
            let forest = params.seed(seed.into()).fit(&training).unwrap();
            let of_seed = forest.anomaly_scores(&rows).unwrap();
            scores.iter_mut().zip(of_seed).for_each(|(scores, score)| scores.push(score));
            let file: serde_json::Value = serde_json::from_slice(&forest.to_json()).unwrap();
            let trees = file["trees"].as_array().unwrap();
            let n_nodes: usize = trees.iter().map(|tree| tree.as_array().unwrap().len()).sum();
            sizes.push(n_nodes as f64 / 100.0);
        }
        for (row, scores) in scores.iter().enumerate() {
            let theirs = Moments { mean: case.mean[row], sd: case.sd[row] };
            let ours = moments(scores);
            assert!(agree(&ours, &theirs, 4.0), "row {row}: {} for {}", ours.mean, theirs.mean);
        }
        let ours = moments(&sizes);
        let theirs = &case.nodes_per_tree;
        assert!(agree(&ours, theirs, 4.0), "{} nodes for {}", ours.mean, theirs.mean);
    }
}

#[test]
fn a_constant_feature_changes_no_score_on_average() {
    let values = normal(500, 3, 1);
    let constant = Array2::from_elem((500, 2), 7.0);
    let wider = ndarray::concatenate![Axis(1), constant, values];
    let mean_scores = |training: &Records, seed: u64| {
        let forest = IsolationForest::params().seed(seed).fit(training).unwrap();
        forest.score(training).unwrap()[..50].to_vec()
    };
    let by_seed = |values: Array2<f64>| -> Vec<Vec<f64>> {
        let training = records(values);
        (0..SEEDS).map(|seed| mean_scores(&training, seed.into())).collect()
    };
    let (plain, wider) = (by_seed(values), by_seed(wider));
    for row in 0..50 {
        let of_row = |scores: &[Vec<f64>]| {
            moments(&scores.iter().map(|scores| scores[row]).collect::<Vec<_>>())
        };
        assert!(agree(&of_row(&plain), &of_row(&wider), 4.0), "row {row}");
    }
}
