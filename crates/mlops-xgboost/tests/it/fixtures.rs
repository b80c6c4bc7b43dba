//! Boosters of XGBoost 1.4.2, 1.7.6, 3.2.0 and 3.4.1.

use std::fs;
use std::path::Path;

use mlops_xgboost::{Booster, Error, Unsupported};
use ndarray::Array2;
use serde::Deserialize;

#[derive(Deserialize)]
struct Index {
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    name: String,
    xgboost: String,
    rows: usize,
    cols: usize,
    objective: String,
    booster: String,
    files: Vec<String>,
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_booster_is_answered_bit_for_bit_or_refused_by_what_it_needs() {
    let Some(fixtures) = mlops_testing::fixtures("boosters of four versions of XGBoost") else {
        return;
    };
    let folder = fixtures.join("xgboost");
    let index: Index =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let mut n_answered = 0;
    for sample in index.samples {
        let folder = folder.join(format!("v{}", sample.xgboost));
        let models = [".json", ".ubj"].map(|ending| sample.name.clone() + ending);
        let models = models.iter().filter(|file| sample.files.contains(file));
        for file in models {
            match Booster::from_bytes(&fs::read(folder.join(file)).unwrap()) {
                Ok(booster) => {
                    let values = |kind| floats(&folder.join(format!("{}.{kind}.f32", sample.name)));
                    let rows = values("x").into_iter().map(f64::from).collect();
                    let rows = Array2::from_shape_vec((sample.rows, sample.cols), rows).unwrap();
                    assert_eq!(
                        bits(&booster.margins(rows.view()).unwrap()),
                        bits(&values("margin")),
                        "{file}"
                    );
                    let probabilities = booster.probabilities(rows.view()).unwrap();
                    assert_eq!(bits(&probabilities), bits(&values("pred")), "{file}");
                    n_answered += 1;
                }
                Err(Error::Unsupported { feature }) => {
                    // XGBoost 3.4 saves dart under the name gbtree.
                    let is_plain = sample.booster == "gbtree" && !sample.name.starts_with("dart");
                    let is_plain = is_plain && sample.objective == "binary:logistic";
                    let needs_more = matches!(
                        feature,
                        Unsupported::MultipleOutputs | Unsupported::CategoricalSplit
                    );
                    assert_eq!(is_plain, needs_more, "{file}: {feature}");
                }
                Err(error) => panic!("{file} of XGBoost {}: {error}", sample.xgboost),
            }
        }
    }
    assert_eq!(n_answered, 29);
}
