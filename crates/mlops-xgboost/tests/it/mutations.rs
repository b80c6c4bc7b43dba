use mlops_testing::{Mutator, n_mutations};
use mlops_xgboost::Booster;
use ndarray::{Array2, Axis};

use crate::support::{bits, data};

/// As many as the engine walks together, and some.
const N_ROWS: usize = 70;

const FILES: [&str; 11] = [
    "booster.ubj",
    "categories.model.json",
    "softprob.model.json",
    "vectors.model.json",
    "pruned.model.json",
    "linear.model.json",
    "named.json",
    "numbered.json",
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
        let rows = Array2::from_shape_fn((N_ROWS, booster.n_features()), |(row, column)| {
            if row == column { f64::NAN } else { (row % 9) as f64 - column as f64 }
        });
        let predictions = booster.predict(rows.view()).unwrap();
        assert_eq!(predictions.len(), N_ROWS * booster.n_predictions());
        assert_eq!(booster.leaves(rows.view()).unwrap().len(), N_ROWS * booster.n_trees());
        let _ = (booster.contributions(rows.view()), booster.classes(rows.view()));
        let margins = booster.margins(rows.view()).unwrap();
        for (row, expected) in rows.axis_iter(Axis(0)).zip(margins.chunks(booster.n_outputs())) {
            assert_same(&booster.margins(row.insert_axis(Axis(0))).unwrap(), expected);
        }
        for written in [booster.to_json(), booster.to_ubjson()] {
            let again = Booster::from_bytes(&written).unwrap();
            assert_same(&again.margins(rows.view()).unwrap(), &margins);
        }
    }
}

/// The same bits, but for NaN, which has many.
fn assert_same(left: &[f32], right: &[f32]) {
    let canonical = |values: &[f32]| {
        bits(&values.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }).collect::<Vec<_>>())
    };
    assert_eq!(canonical(left), canonical(right));
}
