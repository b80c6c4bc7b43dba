//! Any bytes, of each of the three formats, are a booster that predicts, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_xgboost::Booster;
use ndarray::{Array2, s};

/// As many as the engine walks together, and some.
const N_ROWS: usize = 70;

fuzz_target!(|bytes: &[u8]| {
    let Ok(booster) = Booster::from_bytes(bytes) else { return };
    if booster.n_features() > 100 {
        return;
    }
    let rows = Array2::from_shape_fn((N_ROWS, booster.n_features()), |(row, column)| {
        if row == column { f64::NAN } else { (row % 9) as f64 - column as f64 }
    });
    let predictions = booster.predict(rows.view()).expect("rows of the right width");
    assert_eq!(predictions.len(), N_ROWS * booster.n_predictions());
    let n_leaves = booster.leaves(rows.view()).map(|leaves| leaves.len());
    assert_eq!(n_leaves, Ok(N_ROWS * booster.n_trees()));
    let last = booster.predict(rows.slice(s![N_ROWS - 1.., ..])).expect("a row");
    let together = &predictions[predictions.len() - last.len()..];
    // NaN has many bits.
    let is_same = |(x, y): (&f32, &f32)| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
    assert!(last.iter().zip(together).all(is_same));
    let few = rows.slice(s![..2, ..]);
    let _ = (booster.contributions(few), booster.classes(few));
    let again = Booster::from_bytes(&booster.to_ubjson()).expect("what was written is read");
    assert_eq!(again.n_trees(), booster.n_trees());
});
