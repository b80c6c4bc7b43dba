//! The booster that `tests/data/make_boosters.py` trained with XGBoost 3.2.0.

use mlops_xgboost::Booster;
use ndarray::Array2;
use serde::Deserialize;

use crate::support::{bits, data};

#[derive(Deserialize)]
struct Answers {
    best_iteration: usize,
    rows: Vec<Vec<Option<f64>>>,
    margin_bits: Vec<u32>,
    probability_bits: Vec<u32>,
}

fn answers() -> (Array2<f64>, Answers) {
    let answers: Answers = serde_json::from_slice(&data("answers.json")).unwrap();
    let shape = (answers.rows.len(), answers.rows[0].len());
    let values = answers.rows.iter().flatten().map(|value| value.unwrap_or(f64::NAN)).collect();
    (Array2::from_shape_vec(shape, values).unwrap(), answers)
}

#[test]
fn both_formats_answer_with_the_bits_of_python() {
    let (rows, answers) = answers();
    for name in ["booster.json", "booster.ubj"] {
        let booster = Booster::from_bytes(&data(name)).unwrap();
        assert_eq!(bits(&booster.margins(rows.view()).unwrap()), answers.margin_bits, "{name}");
        assert_eq!(
            bits(&booster.predict(rows.view()).unwrap()),
            answers.probability_bits,
            "{name}"
        );
        assert_eq!(
            booster.attribute("best_iteration"),
            Some(answers.best_iteration.to_string().as_str())
        );
        assert_eq!(booster.feature_names(), ["f0", "f1", "f2", "f3", "f4"]);
    }
}

#[test]
fn rewriting_a_model_keeps_its_answers() {
    let booster = Booster::from_bytes(&data("booster.json")).unwrap();
    assert_eq!(Booster::from_bytes(&data("booster.ubj")).unwrap(), booster);
    assert_eq!(Booster::from_bytes(&booster.to_json()).unwrap(), booster);
    assert_eq!(Booster::from_bytes(&booster.to_ubjson()).unwrap(), booster);
}

#[test]
fn a_model_cut_anywhere_is_refused() {
    for name in ["booster.json", "booster.ubj"] {
        let bytes = data(name);
        for length in (0..bytes.len()).step_by(7) {
            Booster::from_bytes(&bytes[..length]).unwrap_err();
        }
    }
}

#[test]
fn a_model_with_a_changed_byte_is_refused_or_walks_safely() {
    let (rows, _) = answers();
    let bytes = data("booster.ubj");
    let mut random = mlops_testing::SplitMix64::new(1);
    for _ in 0..2000 {
        let mut changed = bytes.clone();
        let position = usize::try_from(random.next_u64() % bytes.len() as u64).unwrap();
        changed[position] ^= 1 << (random.next_u64() % 8);
        if let Ok(booster) = Booster::from_bytes(&changed)
            && booster.n_features() == rows.ncols()
        {
            assert_eq!(booster.margins(rows.view()).unwrap().len(), rows.nrows());
        }
    }
}
