//! The wine-quality booster of the Python system, trained with XGBoost 3.2.0 and saved by MLflow 3.17.

use std::fs;
use std::sync::Arc;

use mlops_core::{LoadContext, LoadModel, ModelDir, Predictor, Records};
use mlops_xgboost::XgboostModel;
use ndarray::Array2;
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    rows: Vec<Vec<f64>>,
    probability: Vec<f64>,
    margin: Vec<f64>,
}

#[test]
fn every_batch_is_answered_with_the_bits_of_python() {
    let Some(fixtures) = mlops_testing::fixtures("the wine-quality booster of the Python system")
    else {
        return;
    };
    let dir = ModelDir::open(fixtures.join("seed_models/wine_quality")).unwrap();
    let model = XgboostModel::load(&dir, &LoadContext::new()).unwrap();
    let expected = fs::read(fixtures.join("seed_models/expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.cases.len(), 7);
    for case in expected.cases {
        let shape = (case.rows.len(), model.schema().len());
        let values = Array2::from_shape_vec(shape, case.rows.concat()).unwrap();
        let records = Records::new(Arc::clone(model.schema()), values).unwrap();
        let probabilities: Vec<u64> =
            model.predict(&records).unwrap().first().map(f64::to_bits).collect();
        let bits: Vec<u64> = case.probability.iter().map(|value| value.to_bits()).collect();
        assert_eq!(probabilities, bits, "probabilities of {}", case.name);
        let margins = model.booster().margins(records.values()).unwrap();
        let margins: Vec<u64> =
            margins.into_iter().map(|margin| f64::from(margin).to_bits()).collect();
        let bits: Vec<u64> = case.margin.iter().map(|value| value.to_bits()).collect();
        assert_eq!(margins, bits, "margins of {}", case.name);
    }
}
