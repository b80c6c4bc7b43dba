//! Boosters of many kinds that `tests/data/make_models.py` trained with XGBoost 3.2.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_core::{Feature, LoadContext, LoadModel, ModelDir, Predictor, Records, Schema};
use mlops_xgboost::{Booster, Error, Importance, XgboostModel};
use ndarray::{Array2, array};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{bits, data};

#[derive(Deserialize)]
struct Answers {
    rows: Vec<[Option<f32>; 4]>,
    margin_bits: Vec<u32>,
    prediction_bits: Vec<u32>,
    leaves: Option<Vec<Vec<u32>>>,
    importance: Option<BTreeMap<String, Vec<f64>>>,
    contributions: Option<Vec<Vec<f64>>>,
}

fn models() -> Vec<(String, Booster, Array2<f32>, Answers)> {
    let answers: BTreeMap<String, Answers> = serde_json::from_slice(&data("models.json")).unwrap();
    assert_eq!(answers.len(), 13);
    let model = |(name, answers): (String, Answers)| {
        let booster = Booster::from_bytes(&data(&format!("{name}.model.json"))).unwrap();
        let rows: Vec<[f32; 4]> =
            answers.rows.iter().map(|row| row.map(|value| value.unwrap_or(f32::NAN))).collect();
        (name, booster, Array2::from(rows), answers)
    };
    answers.into_iter().map(model).collect()
}

#[test]
fn every_kind_answers_with_the_bits_of_python() {
    for (name, booster, rows, answers) in models() {
        assert_eq!(bits(&booster.margins(rows.view()).unwrap()), answers.margin_bits, "{name}");
        assert_eq!(bits(&booster.predict(rows.view()).unwrap()), answers.prediction_bits, "{name}");
        if let Some(leaves) = answers.leaves {
            assert_eq!(booster.leaves(rows.view()).unwrap(), leaves.concat(), "{name}");
        }
    }
}

#[test]
fn contributions_are_those_of_python() {
    let mut n_models = 0;
    for (name, booster, rows, answers) in models() {
        let Some(expected) = answers.contributions else {
            booster.contributions(rows.view()).unwrap_err();
            continue;
        };
        let contributions = booster.contributions(rows.view()).unwrap();
        let n_outputs = booster.n_outputs();
        for (row, expected) in contributions.values.outer_iter().zip(expected) {
            assert_eq!(expected.len(), n_outputs * 5);
            for (output, expected) in expected.chunks_exact(5).enumerate() {
                let got = row.row(output);
                let got = got.iter().chain([&contributions.base_values[output]]);
                for (got, expected) in got.zip(expected) {
                    assert!((got - expected).abs() < 1e-5, "{name}: {got} {expected}");
                }
            }
        }
        n_models += 1;
    }
    assert_eq!(n_models, 12);
}

#[test]
fn importances_are_those_of_python() {
    let mut n_models = 0;
    for (name, booster, _, answers) in models() {
        let Some(importance) = answers.importance else { continue };
        n_models += 1;
        for (kind, expected) in importance {
            let importance = match &*kind {
                "weight" => Importance::Weight,
                "gain" => Importance::Gain,
                "cover" => Importance::Cover,
                "total_gain" => Importance::TotalGain,
                "total_cover" => Importance::TotalCover,
                _ => panic!("{kind}"),
            };
            assert_eq!(expected.len(), booster.n_features());
            for (got, expected) in booster.importance(importance).iter().zip(expected) {
                let error = (got - expected).abs();
                assert!(error <= 1e-5 * expected.abs(), "{name} {kind}: {got} {expected}");
            }
        }
    }
    assert_eq!(n_models, 12);
}

#[test]
fn what_is_written_is_the_same_model() {
    for (name, booster, rows, _) in models() {
        let json = Booster::from_bytes(&booster.to_json()).unwrap();
        let ubjson = Booster::from_bytes(&booster.to_ubjson()).unwrap();
        assert_eq!(json, booster, "{name}");
        assert_eq!(ubjson, booster, "{name}");
        assert_eq!(json.predict(rows.view()).unwrap(), booster.predict(rows.view()).unwrap());
    }
}

/// The categories in a file.
fn categories(model: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(model).unwrap();
    document["learner"]["gradient_booster"]["model"]["cats"].clone()
}

#[test]
fn names_of_categories_are_written_as_they_were_read() {
    for name in ["named.json", "numbered.json"] {
        let booster = Booster::from_bytes(&data(name)).unwrap();
        assert_eq!(categories(&booster.to_json()), categories(&data(name)), "{name}");
        assert_eq!(Booster::from_bytes(&booster.to_json()).unwrap(), booster, "{name}");
        assert_eq!(Booster::from_bytes(&booster.to_ubjson()).unwrap(), booster, "{name}");
    }
    let numbered = Booster::from_bytes(&data("numbered.json")).unwrap();
    assert_eq!(numbered.categories(1), ["7", "-3", "5"]);
}

#[test]
fn categories_of_a_type_that_xgboost_refuses_are_refused() {
    let text = String::from_utf8(data("numbered.json")).unwrap();
    for kind in ["7", "12", "17", "-1"] {
        let changed = text.replacen(r#""type":9"#, &format!(r#""type":{kind}"#), 1);
        let error = Booster::from_bytes(changed.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::WrongType { key: "cats", .. }), "{kind}: {error}");
    }
}

#[test]
fn categories_are_matched_by_name() {
    let booster = Booster::from_bytes(&data("named.json")).unwrap();
    let answers: BTreeMap<String, Vec<u32>> =
        serde_json::from_slice(&data("named.answers.json")).unwrap();
    assert_eq!(booster.categories(1), ["red", "rose", "white"]);
    assert!(booster.categories(0).is_empty());
    let schema = |levels: &[&str]| {
        let colour = Feature::categorical("colour", levels.iter().copied());
        Arc::new(Schema::new(vec![Feature::numeric("a"), colour]).unwrap())
    };
    // In another order than the model's.
    let levels = ["white", "rose", "red"];
    let model = XgboostModel::new(booster.clone(), schema(&levels)).unwrap();
    let predict = |model: &XgboostModel, level: f64| {
        let records =
            Records::new(Arc::clone(Predictor::schema(model)), array![[0.1, level]]).unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "predictions have 32 bits")]
        let prediction = model.predict(&records).unwrap().first().next().unwrap() as f32;
        bits(&[prediction])
    };
    for (position, level) in levels.iter().enumerate() {
        assert_eq!(predict(&model, position as f64), answers[*level], "{level}");
    }
    assert_eq!(predict(&model, f64::NAN), answers["missing"]);

    let folder = tempfile::tempdir().unwrap();
    let dir = ModelDir::create(folder.path().join("model"), &model).unwrap();
    let loaded = XgboostModel::load(&dir, &LoadContext::new()).unwrap();
    assert_eq!(loaded.booster(), &booster);
    assert_eq!(predict(&loaded, 0.0), answers["white"]);

    let error = XgboostModel::new(booster.clone(), schema(&["red", "orange"])).unwrap_err();
    let text = "feature `colour` has category `orange`, which the model does not know";
    assert_eq!(error.to_string(), text);
    let lenient = XgboostModel::with_unseen_as_missing(booster.clone(), schema(&["red", "orange"]));
    let lenient = lenient.unwrap();
    assert_eq!(predict(&lenient, 1.0), answers["missing"]);
    let dir = ModelDir::create(folder.path().join("lenient"), &lenient).unwrap();
    let loaded = XgboostModel::load(&dir, &LoadContext::new()).unwrap();
    assert_eq!(predict(&loaded, 1.0), answers["missing"]);
    let categories = |name: &str| Feature::categorical(name, ["red", "rose"]);
    let all = Schema::new(vec![categories("a"), categories("colour")]).unwrap();
    let error = XgboostModel::new(booster.clone(), Arc::new(all)).unwrap_err();
    assert_eq!(error, Error::NotNumeric { feature: "a".to_owned() });
    let numbers = Schema::new(vec![Feature::numeric("a"), Feature::integer("colour")]).unwrap();
    let error = XgboostModel::new(booster, Arc::new(numbers)).unwrap_err();
    assert_eq!(error, Error::NotCategorical { feature: "colour".to_owned() });
}
