//! What scoring takes; a program of its own, as it replaces the allocator.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::sync::Arc;

use allocation_counter::measure;
use mlops_core::{Feature, Records, Schema};
use mlops_outlier::{IsolationForest, Scratch};
use mlops_testing::SplitMix64;
use ndarray::Array2;

#[test]
fn a_second_batch_takes_no_memory() {
    let schema = ["a", "b", "c"].map(Feature::numeric).into();
    let schema = Arc::new(Schema::new(schema).unwrap());
    let mut random = SplitMix64::new(7);
    let mut rows = |size: usize| {
        let values = Array2::from_shape_simple_fn((size, 3), || match random.next_f64() {
            u if u < 0.1 => f64::NAN,
            u => u,
        });
        Records::new(Arc::clone(&schema), values).unwrap()
    };
    let forest = IsolationForest::params().n_estimators(20).fit(&rows(1000)).unwrap();
    // A pipeline of two steps, such as Python saves.
    let mut file: serde_json::Value = serde_json::from_slice(&forest.to_json()).unwrap();
    let stages = file["preprocessing"]["stages"].as_array_mut().unwrap();
    stages.extend_from_within(..);
    let two_steps = IsolationForest::from_json(file.to_string().as_bytes(), Arc::clone(&schema));
    for forest in [forest, two_steps.unwrap()] {
        check(&forest, &mut rows);
    }
}

fn check(forest: &IsolationForest, rows: &mut impl FnMut(usize) -> Records) {
    for size in [1, 2, 63, 64, 65, 1000] {
        let (mut scratch, mut scores) = (Scratch::default(), Vec::new());
        let mut contributions = vec![0.0; 3 * size];
        let first = rows(size);
        forest.score_into(&first, &mut scratch, &mut scores).unwrap();
        forest.contributions_into(&first, &mut scratch, &mut contributions).unwrap();
        for batch in [rows(size), rows(size)] {
            let taken = measure(|| {
                forest.score_into(&batch, &mut scratch, &mut scores).unwrap();
                forest.contributions_into(&batch, &mut scratch, &mut contributions).unwrap();
                let _ = forest.depth_sum(&[0.5, f64::NAN, 0.1], &mut scratch);
            });
            assert_eq!(taken.count_total, 0, "{size} rows");
        }
    }
}

#[test]
fn fitting_takes_no_more_for_more_rows() {
    let schema = Arc::new(Schema::new(vec![Feature::numeric("x")]).unwrap());
    let peak = |n_rows: usize| {
        let values = Array2::from_shape_fn((n_rows, 1), |(row, _)| (row as f64).sin());
        let rows = Records::new(Arc::clone(&schema), values).unwrap();
        measure(|| drop(IsolationForest::params().fit(&rows).unwrap())).bytes_max
    };
    // A flag for each row, as trees draw without replacement.
    assert!(peak(300_000) < peak(3000) + 300_000 + 100_000);
}
