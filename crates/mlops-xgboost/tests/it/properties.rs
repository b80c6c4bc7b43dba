//! What holds for every booster and all rows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mlops_xgboost::Booster;
use ndarray::{Array2, Axis};
use proptest::prelude::*;

use crate::support::{bits, data};

const FILES: [&str; 17] = [
    "booster.ubj",
    "categories.model.json",
    "dart.model",
    "dart.model.json",
    "forest.model.json",
    "gblinear.model",
    "hinge.model.json",
    "linear.model.json",
    "named.json",
    "numbered.json",
    "one_hot.model.json",
    "poisson.model.json",
    "pruned.model.json",
    "softmax.model.json",
    "softprob.model.json",
    "targets.model.json",
    "vectors.model.json",
];

const N_ROWS: usize = 150;

/// Values near thresholds and codes of categories, and missing ones.
fn value() -> impl Strategy<Value = f32> {
    let rare = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX];
    prop_oneof![
        6 => -3.0_f32..3.0,
        2 => (0_u8..8).prop_map(f32::from),
        1 => prop::sample::select(rare),
    ]
}

/// A booster with rows for it, as many as it has features taken from a list that repeats itself.
fn case() -> impl Strategy<Value = (&'static str, Booster, Array2<f32>)> {
    let values = prop::collection::vec(value(), 997);
    (prop::sample::select(&FILES[..]), values).prop_map(|(name, values)| {
        let booster = Booster::from_bytes(&data(name)).unwrap();
        let n_features = booster.n_features();
        let rows = Array2::from_shape_fn((N_ROWS, n_features), |(row, column)| {
            values[(row * n_features + column) % values.len()]
        });
        (name, booster, rows)
    })
}

fn predict(booster: &Booster, rows: &Array2<f32>) -> Vec<Vec<u32>> {
    let predictions = bits(&booster.predict(rows.view()).unwrap());
    predictions.chunks(booster.n_predictions()).map(<[u32]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_row_is_answered_alike_in_any_company(
        (name, booster, rows) in case(),
        order in Just((0..N_ROWS).collect::<Vec<_>>()).prop_shuffle(),
        repeated in prop::collection::vec(0..N_ROWS, 1..10),
        n in 1..N_ROWS,
    ) {
        let expected = predict(&booster, &rows);
        // In another order, and several times.
        let order: Vec<usize> = order.into_iter().chain(repeated).collect();
        let answers = predict(&booster, &rows.select(Axis(0), &order));
        for (answer, row) in answers.iter().zip(&order) {
            prop_assert_eq!(answer, &expected[*row], "{}", name);
        }
        // Some at a time.
        for (part, expected) in rows.axis_chunks_iter(Axis(0), n).zip(expected.chunks(n)) {
            prop_assert_eq!(&predict(&booster, &part.to_owned())[..], expected, "{}", name);
        }
        // From any place in memory, of 64 bits, into memory that is there.
        let columns_first = rows.t().as_standard_layout().reversed_axes().mapv(f64::from);
        let mut predictions = vec![0.0; N_ROWS * booster.n_predictions()];
        booster.predict_into(columns_first.view(), &mut predictions).unwrap();
        prop_assert_eq!(bits(&predictions), expected.concat(), "{}", name);
        let (values, offset) = rows.into_raw_vec_and_offset();
        prop_assert_eq!(offset, Some(0));
        prop_assert_eq!(bits(&booster.predict_slice(&values).unwrap()), expected.concat());
    }

    #[test]
    fn all_formats_hold_the_same_model((name, booster, rows) in case()) {
        for written in [booster.to_json(), booster.to_ubjson()] {
            let read = Booster::from_bytes(&written).unwrap();
            prop_assert_eq!(&read, &booster, "{}", name);
            prop_assert_eq!(predict(&read, &rows), predict(&booster, &rows), "{}", name);
            prop_assert_eq!(read.leaves(rows.view()), booster.leaves(rows.view()), "{}", name);
        }
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn any_number_of_threads_gives_the_same_bits(
        (name, booster, rows) in case(), n_threads in 1_usize..5, n_copies in 1_usize..8,
    ) {
        let views = vec![rows.view(); n_copies];
        let rows = ndarray::concatenate(Axis(0), &views).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let mut predictions = vec![0.0; rows.nrows() * booster.n_predictions()];
        pool.install(|| booster.par_predict_into(rows.view(), &mut predictions)).unwrap();
        prop_assert_eq!(bits(&predictions), predict(&booster, &rows).concat(), "{}", name);
        let mut margins = vec![0.0; rows.nrows() * booster.n_outputs()];
        pool.install(|| booster.par_margins_into(rows.view(), &mut margins)).unwrap();
        prop_assert_eq!(bits(&margins), bits(&booster.margins(rows.view()).unwrap()), "{}", name);
    }
}

#[cfg(feature = "rayon")]
#[test]
fn no_rows_and_too_few_columns_are_fine_in_parallel() {
    let booster = Booster::from_bytes(&data("booster.ubj")).unwrap();
    let n_features = booster.n_features();
    booster.par_predict_into(Array2::<f32>::zeros((0, n_features)).view(), &mut []).unwrap();
    let narrow = Array2::<f32>::zeros((3, n_features - 1));
    booster.par_predict_into(narrow.view(), &mut [0.0; 3]).unwrap_err();
}

#[test]
fn places_that_are_not_one_per_row_are_refused() {
    for name in ["booster.ubj", "softmax.model.json", "linear.model.json"] {
        let booster = Booster::from_bytes(&data(name)).unwrap();
        let rows = Array2::<f32>::zeros((3, booster.n_features()));
        for n_places in [0, 2, 3 * booster.n_outputs() + 1] {
            let mut places = vec![0.0; n_places];
            let refused =
                catch_unwind(AssertUnwindSafe(|| booster.predict_into(rows.view(), &mut places)));
            let text = refused.unwrap_err().downcast::<String>().unwrap();
            assert!(text.contains("3 rows need 1 places each"), "{name}: {text}");
        }
    }
}

#[test]
fn values_that_make_no_whole_rows_are_refused() {
    let booster = Booster::from_bytes(&data("booster.ubj")).unwrap();
    let n_features = booster.n_features();
    assert_eq!(booster.predict_slice(&[] as &[f32]).unwrap(), [] as [f32; 0]);
    let error = booster.predict_slice(&vec![0.0_f32; n_features + 1]).unwrap_err();
    let text =
        format!("{} values, expected a whole number of rows of {n_features}", n_features + 1);
    assert_eq!(error.to_string(), text);
}
