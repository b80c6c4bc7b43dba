use mlops_testing::{Mutator, n_mutations};
use mlops_xgboost::Booster;
use ndarray::Array2;

use crate::support::{bits, data};

const FILES: [&str; 10] = [
    "booster.ubj",
    "categories.model.json",
    "softprob.model.json",
    "vectors.model.json",
    "pruned.model.json",
    "linear.model.json",
    "named.json",
    "gbtree.model",
    "dart.model",
    "gblinear.model",
];

#[test]
fn changed_files_are_boosters_or_errors() {
    let files = FILES.map(data);
    let mut mutator = Mutator::new(0xB0057);
    for round in 0..n_mutations() {
        let Ok(booster) = Booster::from_bytes(mutator.mutate(&files[round % files.len()])) else {
            continue;
        };
        // A file can say that it has any number of features.
        if booster.n_features() > 100 {
            continue;
        }
        let rows = Array2::from_shape_fn((3, booster.n_features()), |(row, column)| {
            if row == column { f64::NAN } else { row as f64 - column as f64 }
        });
        let predictions = booster.predict(rows.view()).unwrap();
        assert_eq!(predictions.len(), 3 * booster.n_predictions());
        assert_eq!(booster.leaves(rows.view()).unwrap().len(), 3 * booster.n_trees());
        let _ = (booster.contributions(rows.view()), booster.classes(rows.view()));
        let margins = bits(&booster.margins(rows.view()).unwrap());
        for written in [booster.to_json(), booster.to_ubjson()] {
            let again = Booster::from_bytes(&written).unwrap();
            let again = bits(&again.margins(rows.view()).unwrap());
            let is_same = |(left, right): (&u32, &u32)| {
                left == right || (f32::from_bits(*left).is_nan() && f32::from_bits(*right).is_nan())
            };
            assert!(again.len() == margins.len() && again.iter().zip(&margins).all(is_same));
        }
    }
}
