//! Any bytes, of each of the three formats, are a booster that predicts, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_xgboost::Booster;
use ndarray::Array2;

fuzz_target!(|bytes: &[u8]| {
    let Ok(booster) = Booster::from_bytes(bytes) else { return };
    if booster.n_features() > 100 {
        return;
    }
    let rows = Array2::from_shape_fn((2, booster.n_features()), |(row, column)| {
        if row == column { f64::NAN } else { row as f64 - column as f64 }
    });
    let predictions = booster.predict(rows.view()).expect("rows of the right width");
    assert_eq!(predictions.len(), 2 * booster.n_predictions());
    assert_eq!(booster.leaves(rows.view()).map(|leaves| leaves.len()), Ok(2 * booster.n_trees()));
    let _ = (booster.contributions(rows.view()), booster.classes(rows.view()));
    let again = Booster::from_bytes(&booster.to_ubjson()).expect("what was written is read");
    assert_eq!(again.n_trees(), booster.n_trees());
});
