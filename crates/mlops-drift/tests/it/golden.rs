//! The values of `tests/data/golden_drift.json`.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_core::{DriftDetector, DriftReport, Feature, PValueMethod, Records, Schema};
use mlops_drift::{
    AlibiDrift, Alpha, benjamini_hochberg, benjamini_yekutieli, bonferroni, holm, ks_two_sample,
    ks_two_sample_asymptotic,
};
use ndarray::Array2;
use serde_json::Value;

use crate::generator::sample;

fn golden(kind: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("../data/golden_drift.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    cases.iter().filter(|case| case["kind"] == kind).cloned().collect()
}

#[test]
fn kolmogorov_smirnov_is_that_of_counted_relabellings() {
    let cases = golden("ks_2samp");
    assert_eq!(cases.len(), 83);
    for case in cases {
        let (reference, batch) = (sample(&case["input"]["x"]), sample(&case["input"]["y"]));
        let expected = |key: &str| case["expected"][key].as_f64().unwrap();
        let outcome = ks_two_sample(&reference, &batch).unwrap();
        assert_eq!(outcome.method, PValueMethod::Exact);
        assert!((outcome.statistic - expected("statistic")).abs() < 1e-15, "{case}");
        let distance = outcome.statistic * expected("n") * expected("m");
        assert!((distance - expected("h")).abs() < 1e-6, "{distance}, {case}");
        let p_value = expected("p_conditional");
        let error = (outcome.p_value / p_value - 1.0).abs();
        assert!(error < 1e-12, "{:e}, {error:e}, {case}", outcome.p_value);
    }
}

#[test]
fn asymptotic_kolmogorov_smirnov_is_that_of_scipy() {
    let mut without = vec![];
    for case in golden("ks_2samp") {
        let (reference, batch) = (sample(&case["input"]["x"]), sample(&case["input"]["y"]));
        let outcome = ks_two_sample_asymptotic(&reference, &batch).unwrap();
        assert_eq!(outcome.method, PValueMethod::Asymptotic);
        match case["expected"]["p_asymptotic"].as_f64() {
            Some(expected) => {
                // A p-value of 0 is given as 2e-308.
                let error = (outcome.p_value - expected).abs();
                assert!(error <= 1e-12 * expected + 1e-300, "{outcome:?}, {error:e}, {case}");
            }
            None => without.push((reference.len(), batch.len(), outcome.p_value)),
        }
    }
    assert_eq!(without, [(1, 1, 1.0); 4]);
}

#[test]
fn alibi_detect_is_followed() {
    let cases = golden("alibi");
    let tabular = cases.iter().filter(|case| case["id"].as_str().unwrap().starts_with("tabular"));
    let small = ["new-category", "one-category", "binary-1-row", "equal-constants"];
    let small = small.into_iter().chain(["different-constants", "outside-of-10"]);
    let small = small.map(|id| cases.iter().find(|case| case["id"] == id).unwrap());
    let followed: Vec<&Value> = tabular.chain(small).collect();
    assert_eq!(followed.len(), 11 + 6);
    for case in followed {
        let report = alibi_report(case);
        let numbers = |key: &str| sample(&case["expected"][key]);
        let is_drift = report.is_drift().map(|is_drift| f64::from(u8::from(is_drift.unwrap())));
        assert_eq!(is_drift.collect::<Vec<_>>(), numbers("is_drift"), "{case}");
        let (distances, p_values) = (numbers("distance"), numbers("p_val"));
        for ((feature, distance), p_value) in report.features.iter().zip(distances).zip(p_values) {
            let near = |got: Option<f64>, expected: f64| {
                (got.unwrap() - expected).abs() <= 2e-7 * expected
            };
            assert!(near(feature.statistic, distance), "{feature:?}, {distance}, {case}");
            assert!(near(feature.p_value, p_value), "{feature:?}, {p_value:e}, {case}");
        }
    }
}

#[test]
fn where_alibi_detect_has_no_answer_there_is_one() {
    for (id, p_value) in [
        ("1-row-each", 1.0),
        // ks_2samp([.1, .2, .3, .4, .5], [.6], method="asymp") and ks_2samp([.2, .3, .4, .5],
        // [.1, .6], method="asymp") without what is missing
        ("missing-value", 0.0),
        ("missing-value-in-reference", 1.0),
        // chi2_contingency([[30, 30, 30], [1, 0, 0]]) and chi2_contingency([[30, 30, 30],
        // [1, 1, 0]]) without what is missing in both
        ("missing-category", 0.375_876_51),
        ("category-nowhere", 0.609_800_36),
    ] {
        let cases = golden("alibi");
        let case = cases.iter().find(|case| case["id"] == id).unwrap();
        let expected = &case["expected"];
        assert!(expected["p_val"][0].is_null() || expected["error"].is_string(), "{case}");
        let report = alibi_report(case);
        let got = report.features[0].p_value.unwrap();
        assert!((got - p_value).abs() < 1e-7, "{id}: {got}");
    }
}

/// What the detector says about the batch of a case.
fn alibi_report(case: &Value) -> DriftReport {
    let columns = |key: &str| case["input"][key].as_array().unwrap().clone();
    let feature = |index: usize| Feature::numeric(index.to_string());
    let schema = Schema::new((0..columns("ref").len()).map(feature).collect()).unwrap();
    let schema = Arc::new(schema);
    let records = |columns: Vec<Value>| {
        let columns: Vec<Vec<f64>> = columns.iter().map(sample).collect();
        let rows = Array2::from_shape_fn((columns[0].len(), columns.len()), |(row, column)| {
            columns[column][row]
        });
        Records::new(Arc::clone(&schema), rows).unwrap()
    };
    let categories: BTreeMap<String, Vec<f64>> =
        serde_json::from_value(case["input"]["categories"].clone()).unwrap();
    let detector = AlibiDrift::new(&records(columns("ref")), &categories, Alpha::default());
    detector.unwrap().detect(&records(columns("batch"))).unwrap()
}

#[test]
fn corrections_are_those_of_their_definitions() {
    let cases = golden("multiplicity");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let p_values = sample(&case["input"]["p"]);
        for (key, adjusted) in [
            ("bonferroni", bonferroni(&p_values)),
            ("holm", holm(&p_values)),
            ("bh", benjamini_hochberg(&p_values)),
            ("by", benjamini_yekutieli(&p_values)),
        ] {
            let expected = sample(&case["expected"][key]);
            for (got, expected) in adjusted.unwrap().into_iter().zip(expected) {
                assert!((got - expected).abs() <= 1e-12 * expected, "{key}: {got}, {case}");
            }
        }
    }
}
