//! Boosters in the binary format that `tests/data/make_binary.py` saved with XGBoost 1.7.6.

use std::collections::BTreeMap;

use mlops_xgboost::{Booster, Error};
use ndarray::Array2;
use serde::Deserialize;

use crate::support::{bits, data};

#[derive(Deserialize)]
struct Answers {
    rows: Vec<[Option<f32>; 3]>,
    margin_bits: Vec<u32>,
}

#[test]
fn the_binary_format_answers_with_the_bits_of_python() {
    let answers: BTreeMap<String, Answers> = serde_json::from_slice(&data("binary.json")).unwrap();
    assert_eq!(answers.len(), 3);
    for (name, answers) in answers {
        let booster = Booster::from_bytes(&data(&format!("{name}.model"))).unwrap();
        let rows: Vec<[f32; 3]> =
            answers.rows.iter().map(|row| row.map(|value| value.unwrap_or(f32::NAN))).collect();
        let margins = booster.margins(Array2::from(rows).view()).unwrap();
        assert_eq!(bits(&margins), answers.margin_bits, "{name}");
        assert_eq!(Booster::from_bytes(&booster.to_json()).unwrap(), booster, "{name}");
    }
}

#[test]
fn a_binary_file_cut_anywhere_is_refused() {
    for name in ["gbtree", "dart", "gblinear"] {
        let bytes = data(&format!("{name}.model"));
        for length in 0..bytes.len() {
            Booster::from_bytes(&bytes[..length]).unwrap_err();
        }
        let longer = [&bytes[..], b"\0"].concat();
        assert!(matches!(Booster::from_bytes(&longer), Err(Error::Syntax { .. })), "{name}");
    }
}
