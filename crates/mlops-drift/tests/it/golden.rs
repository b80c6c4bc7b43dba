//! The values of `tests/data/golden_drift.json`.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_core::{Correction, DriftDetector, DriftReport, Feature, PValueMethod, Records, Schema};
use mlops_drift::{
    AlibiDrift, Alpha, Alternative, Error, Sample, benjamini_hochberg, benjamini_yekutieli,
    bonferroni, cramer_von_mises, cramer_von_mises_asymptotic, fisher_exact, hellinger_distance,
    holm, jensen_shannon_distance, ks_two_sample, ks_two_sample_asymptotic,
    population_stability_index, total_variation_distance, wasserstein_distance,
    wasserstein_distance_weighted,
};
use mlops_testing::sample;
use ndarray::Array2;
use serde_json::Value;

fn golden(kind: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("../data/golden_drift.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    cases.iter().filter(|case| case["kind"] == kind).cloned().collect()
}

const ALTERNATIVES: [(&str, Alternative); 3] = [
    ("two_sided", Alternative::TwoSided),
    ("less", Alternative::Less),
    ("greater", Alternative::Greater),
];

/// What is expected of a Kolmogorov-Smirnov test with an alternative.
fn expected_of(case: &Value, alternative: &str) -> Value {
    let expected = &case["expected"];
    if alternative == "two_sided" { expected.clone() } else { expected[alternative].clone() }
}

#[test]
fn kolmogorov_smirnov_is_that_of_counted_relabellings() {
    let cases = golden("ks_2samp");
    assert_eq!(cases.len(), 83);
    for case in cases {
        let (reference, batch) = (sample(&case["input"]["x"]), sample(&case["input"]["y"]));
        for (name, alternative) in ALTERNATIVES {
            let expected = expected_of(&case, name);
            let outcome = ks_two_sample(&reference, &batch, alternative).unwrap();
            assert_eq!(outcome.method, PValueMethod::Exact);
            let statistic = expected["statistic"].as_f64().unwrap();
            assert!((outcome.statistic - statistic).abs() < 1e-15, "{name} {case}");
            let p_value = expected["p_conditional"].as_f64().unwrap();
            let error = (outcome.p_value / p_value - 1.0).abs();
            assert!(error < 1e-12, "{:e}, {error:e}, {name} {case}", outcome.p_value);
        }
    }
}

#[test]
fn asymptotic_kolmogorov_smirnov_is_that_of_scipy() {
    let mut without = vec![];
    for case in golden("ks_2samp") {
        let (reference, batch) = (sample(&case["input"]["x"]), sample(&case["input"]["y"]));
        for (name, alternative) in ALTERNATIVES {
            let outcome = ks_two_sample_asymptotic(&reference, &batch, alternative).unwrap();
            assert_eq!(outcome.method, PValueMethod::Asymptotic);
            match expected_of(&case, name)["p_asymptotic"].as_f64() {
                Some(expected) => {
                    // A p-value of 0 is given as 2e-308.
                    let error = (outcome.p_value - expected).abs();
                    assert!(error <= 1e-12 * expected + 1e-300, "{outcome:?}, {error:e}, {case}");
                }
                None => without.push((reference.len(), batch.len(), outcome.p_value)),
            }
        }
    }
    assert_eq!(without, [(1, 1, 1.0); 4]);
}

#[test]
fn logarithms_of_p_values_are_right_where_a_double_has_no_such_number() {
    let cases = golden("ks_log10");
    assert_eq!(cases.len(), 9);
    for case in cases {
        let (reference, batch) = (sample(&case["input"]["x"]), sample(&case["input"]["y"]));
        for (name, alternative) in ALTERNATIVES {
            let outcome = ks_two_sample(&reference, &batch, alternative).unwrap();
            assert_eq!(outcome.method, PValueMethod::Exact);
            let expected = case["expected"][name].as_f64().unwrap();
            let error = (outcome.log10_p_value - expected).abs();
            assert!(error < 1e-11, "{name}: {outcome:?}, {expected}, {error:e}, {case}");
        }
    }
}

/// Whether a number is within a relative tolerance of the expected one.
fn is_near(got: f64, expected: f64, tolerance: f64) -> bool {
    (got - expected).abs() <= tolerance * expected.abs()
}

#[test]
fn fisher_is_that_of_counted_tables() {
    let cases = golden("fisher_exact");
    assert_eq!(cases.len(), 31);
    for case in cases {
        let counts =
            |key: &str| -> [u64; 2] { serde_json::from_value(case["input"][key].clone()).unwrap() };
        if case["id"] == "empty-batch" {
            let error = Err(Error::EmptySample { sample: Sample::Batch });
            assert_eq!(fisher_exact(counts("ref"), counts("batch"), Alternative::Less), error);
            continue;
        }
        for (name, alternative) in ALTERNATIVES {
            let outcome = fisher_exact(counts("ref"), counts("batch"), alternative).unwrap();
            let expected = case["expected"][name].as_f64().unwrap();
            assert!(is_near(outcome.p_value, expected, 1e-12), "{outcome:?} {name} {case}");
            let odds_ratio = match &case["expected"]["odds_ratio"] {
                Value::String(_) => Some(f64::INFINITY),
                number => number.as_f64(),
            };
            assert_eq!(outcome.odds_ratio.is_some(), odds_ratio.is_some());
            let pair = outcome.odds_ratio.zip(odds_ratio);
            assert!(
                pair.is_none_or(|(got, expected)| got == expected || is_near(got, expected, 1e-14))
            );
        }
    }
}

#[test]
fn cramer_von_mises_is_that_of_counted_relabellings_and_of_scipy() {
    let cases = golden("cramer_von_mises");
    assert_eq!(cases.len(), 38);
    let mut n_exact = 0;
    for case in cases {
        let (reference, batch) = (sample(&case["input"]["x"]), sample(&case["input"]["y"]));
        let expected = |key: &str| case["expected"][key].as_f64();
        let outcome = cramer_von_mises(&reference, &batch).unwrap();
        assert!(is_near(outcome.statistic, expected("statistic").unwrap(), 1e-13), "{case}");
        if outcome.method == PValueMethod::Exact {
            let p_value = expected("p_conditional").unwrap();
            assert!(is_near(outcome.p_value, p_value, 1e-12), "{outcome:?} {case}");
            n_exact += 1;
        }
        let outcome = cramer_von_mises_asymptotic(&reference, &batch).unwrap();
        let statistic = expected("statistic_midranks").unwrap();
        assert!((outcome.statistic - statistic).abs() <= 1e-13 * statistic + 1e-14, "{case}");
        if let Some(p_value) = expected("p_limit") {
            let error = (outcome.p_value - p_value).abs();
            assert!(error <= 1e-9 * p_value + 1e-300, "{outcome:?} {case}");
        }
        if let Some(p_value) = expected("p_asymptotic") {
            // SciPy's series ends at terms of 1e-7.
            assert!((outcome.p_value - p_value).abs() <= 3e-6, "{outcome:?} {case}");
        }
    }
    assert!(n_exact >= 28, "{n_exact}");
}

#[test]
fn wasserstein_is_that_of_scipy() {
    let cases = golden("wasserstein");
    assert_eq!(cases.len(), 12);
    for case in cases {
        let input = |key: &str| sample(&case["input"][key]);
        let got = if case["input"]["wx"].is_null() {
            wasserstein_distance(&input("x"), &input("y"))
        } else {
            wasserstein_distance_weighted(&input("x"), &input("wx"), &input("y"), &input("wy"))
        };
        let (got, expected) = (got.unwrap(), case["expected"]["w1"].as_f64().unwrap());
        assert!((got - expected).abs() <= 1e-12 * expected + 1e-15, "{got} {case}");
    }
}

#[test]
fn distances_are_those_of_scipy() {
    let cases = golden("distances");
    assert_eq!(cases.len(), 12);
    for case in cases {
        let counts =
            |key: &str| -> Vec<u64> { serde_json::from_value(case["input"][key].clone()).unwrap() };
        let (reference, batch) = (counts("ref"), counts("batch"));
        let stability = population_stability_index(&reference, &batch).unwrap();
        let jensen_shannon = jensen_shannon_distance(&reference, &batch).unwrap();
        for (key, got) in [
            ("psi", stability.index),
            ("psi_p_value", stability.p_value),
            ("jensen_shannon", jensen_shannon),
            ("jensen_shannon_base2", jensen_shannon / std::f64::consts::LN_2.sqrt()),
            ("hellinger", hellinger_distance(&reference, &batch).unwrap()),
            ("total_variation", total_variation_distance(&reference, &batch).unwrap()),
        ] {
            // Without a degree of freedom SciPy has no p-value.
            let expected = case["expected"][key].as_f64().unwrap_or(1.0);
            // Of equal shares, SciPy's sum is not quite 0.
            let error = (got - expected).abs();
            assert!(
                error <= 1e-12 * expected.abs() + 2e-8 * f64::from(u8::from(got == 0.0)),
                "{key} {got} {case}"
            );
        }
    }
}

#[test]
fn alibi_detect_is_followed() {
    let cases = golden("alibi");
    let tabular = cases.iter().filter(|case| case["id"].as_str().unwrap().starts_with("tabular"));
    let small = ["new-category", "one-category", "binary-1-row", "equal-constants"];
    let small = small.into_iter().chain(["different-constants", "outside-of-10"]);
    let small = small.map(|id| cases.iter().find(|case| case["id"] == id).unwrap());
    let followed: Vec<&Value> = tabular.chain(small).collect();
    assert_eq!(followed.len(), 12 + 6);
    let mut n_by_discovery_only = 0;
    for case in followed {
        let detector = alibi_detector(case);
        let report = detector.detect(&records(&case["input"]["batch"])).unwrap();
        assert_follows(&report, case);
        let [bonferroni, fdr] = ["bonferroni", "fdr"].map(|correction| {
            case["expected"]["batch"][correction]["is_drift"].as_u64().unwrap() == 1
        });
        assert_eq!(report.is_drift, Some(bonferroni), "{case}");
        let detector = detector.correction(Correction::BenjaminiHochberg);
        let report = detector.detect(&records(&case["input"]["batch"])).unwrap();
        assert_eq!(report.is_drift, Some(fdr), "{case}");
        n_by_discovery_only += u32::from(fdr && !bonferroni);
    }
    assert_eq!(n_by_discovery_only, 1);
}

#[test]
fn one_sided_alibi_detect_is_followed() {
    let cases = golden("alibi_ks");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let alternative: Alternative =
            serde_json::from_value(case["input"]["alternative"].clone()).unwrap();
        let detector = alibi_detector(&case).alternative(alternative);
        assert_follows(&detector.detect(&records(&case["input"]["batch"])).unwrap(), &case);
    }
}

/// Asserts that the features are answered as alibi-detect answers them.
fn assert_follows(report: &DriftReport, case: &Value) {
    let numbers = |key: &str| sample(&case["expected"][key]);
    let is_drift = report.is_below_alpha().map(|is_drift| f64::from(u8::from(is_drift.unwrap())));
    assert_eq!(is_drift.collect::<Vec<_>>(), numbers("is_drift"), "{case}");
    let expected = numbers("distance").into_iter().zip(numbers("p_val"));
    for (feature, (distance, p_value)) in report.features.iter().zip(expected) {
        assert!(is_near(feature.statistic.unwrap(), distance, 2e-7), "{feature:?}, {case}");
        assert!(is_near(feature.p_value.unwrap(), p_value, 2e-7), "{feature:?}, {case}");
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
    alibi_detector(case).detect(&records(&case["input"]["batch"])).unwrap()
}

fn alibi_detector(case: &Value) -> AlibiDrift {
    let categories = &case["input"]["categories"];
    let categories: BTreeMap<String, Vec<f64>> =
        serde_json::from_value(categories.clone()).unwrap_or_default();
    AlibiDrift::new(&records(&case["input"]["ref"]), &categories, Alpha::default()).unwrap()
}

/// Rows of these columns.
fn records(columns: &Value) -> Records {
    let columns: Vec<Vec<f64>> = columns.as_array().unwrap().iter().map(sample).collect();
    let feature = |index: usize| Feature::numeric(index.to_string());
    let schema = Schema::new((0..columns.len()).map(feature).collect()).unwrap();
    let shape = (columns[0].len(), columns.len());
    let rows = Array2::from_shape_fn(shape, |(row, column)| columns[column][row]);
    Records::new(Arc::new(schema), rows).unwrap()
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
