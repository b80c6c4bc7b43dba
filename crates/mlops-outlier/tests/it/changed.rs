use mlops_core::Explainer;
use mlops_outlier::Contamination;
use mlops_testing::{Mutator, n_mutations};
use ndarray::array;

use super::*;

fn files() -> [(IsolationForest, Vec<u8>); 2] {
    let params = IsolationForest::params().n_estimators(3).max_samples(20);
    let training = records(with_gaps(50, 3, 1));
    let calibrated = params.contamination(Contamination::new(0.1).unwrap());
    [params.fit(&training).unwrap(), calibrated.fit(&training).unwrap()].map(|forest| {
        let json = forest.to_json();
        (forest, json)
    })
}

#[test]
fn changed_files_are_forests_or_errors() {
    let files = files();
    let rows = records(array![[0.1, f64::NAN, -3e38], [1.0, 2.0, 3.0]]);
    let mut mutator = Mutator::new(0xF1);
    for round in 0..n_mutations() / 10 {
        let (forest, json) = &files[round % files.len()];
        let changed = mutator.mutate(json);
        if let Ok(forest) = IsolationForest::from_json(changed, Arc::clone(forest.schema())) {
            assert_eq!(forest.score(&rows).unwrap().len(), 2);
            assert_eq!(forest.explain(&rows).unwrap().values.len(), 6);
            let _ = (forest.percentile(0.1), forest.is_threshold_reachable());
        }
    }
}

#[test]
fn a_file_that_ends_early_is_refused() {
    for (forest, json) in files() {
        for length in 0..json.len() {
            let outcome = IsolationForest::from_json(&json[..length], Arc::clone(forest.schema()));
            outcome.map(|_| ()).unwrap_err();
        }
    }
}

#[test]
fn a_file_that_was_written_once_is_read_for_ever() {
    let json = include_bytes!("../data/stored.json");
    let forest = IsolationForest::from_json(json, Arc::clone(records(normal(1, 3, 1)).schema()));
    let forest = forest.unwrap();
    assert_eq!(forest.to_json(), json.trim_ascii_end());
    let scores = forest.score(&records(array![[0.1, f64::NAN, -0.2], [4.0, 5.0, -6.0]])).unwrap();
    for (score, expected) in scores.iter().zip([-0.131_033_888_635_149_6, 0.175_126_113_493_991_65])
    {
        assert!((score - expected).abs() < 1e-15, "{score}");
    }
}
