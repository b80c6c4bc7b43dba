//! The values of `tests/data/golden_drift.json`.

use mlops_drift::{Method, bonferroni, holm, ks_two_sample};
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
        assert_eq!(outcome.method, Method::Exact);
        assert!((outcome.statistic - expected("statistic")).abs() < 1e-15, "{case}");
        let distance = outcome.statistic * expected("n") * expected("m");
        assert!((distance - expected("h")).abs() < 1e-6, "{distance}, {case}");
        let p_value = expected("p_conditional");
        let error = (outcome.p_value / p_value - 1.0).abs();
        assert!(error < 1e-12, "{:e}, {error:e}, {case}", outcome.p_value);
    }
}

#[test]
fn corrections_are_those_of_their_definitions() {
    let cases = golden("multiplicity");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let p_values = sample(&case["input"]["p"]);
        for (key, adjusted) in [("bonferroni", bonferroni(&p_values)), ("holm", holm(&p_values))] {
            let expected = sample(&case["expected"][key]);
            for (got, expected) in adjusted.unwrap().into_iter().zip(expected) {
                assert!((got - expected).abs() <= 1e-12 * expected, "{key}: {got}, {case}");
            }
        }
    }
}
