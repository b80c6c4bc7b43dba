//! The values of `tests/data/evaluation.json`.

use mlops_pipeline::evaluation::{Evaluation, ScoredRows, mann_whitney_z, spiegelhalter_z};
use serde_json::{Map, Value};

fn golden() -> Map<String, Value> {
    let golden: Value = serde_json::from_str(include_str!("../data/evaluation.json")).unwrap();
    golden.as_object().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn rows(case: &Value) -> ScoredRows<'static> {
    #[expect(clippy::cast_possible_truncation, reason = "it is exact in 32 bits")]
    let probabilities: Vec<f32> =
        numbers(&case["probabilities"]).into_iter().map(|it| (it / 4096.0) as f32).collect();
    let labels: Vec<bool> =
        numbers(&case["labels"]).into_iter().map(|label| label == 1.0).collect();
    let all: Vec<usize> = (0..labels.len()).collect();
    ScoredRows::new(&probabilities, &labels).unwrap().select(&all).unwrap()
}

fn evaluation(case: &Value) -> Evaluation {
    Evaluation::of(&rows(case), 0.5)
}

#[track_caller]
fn assert_close(got: &[f64], expected: &Value, what: &str) {
    let expected = numbers(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-14, "{what}: {got} {expected}");
    }
}

#[test]
fn metrics_are_those_of_scikit_learn() {
    let golden = golden();
    assert_eq!(golden.len(), 7);
    for (name, case) in &golden {
        for (metric, value) in evaluation(case).metrics() {
            let expected = match metric {
                "precision" | "recall" | "f1" => &case[format!("{metric}_at_half")],
                _ => &case[metric],
            };
            assert!((value - expected.as_f64().unwrap()).abs() < 1e-14, "{name} {metric} {value}");
        }
        let confusion = evaluation(case).confusion;
        assert_eq!(confusion.precision().is_none(), case["precision_at_half"].is_null(), "{name}");
        let counts = [
            confusion.true_positives,
            confusion.false_positives,
            confusion.true_negatives,
            confusion.false_negatives,
        ];
        assert_close(&counts.map(|count| count as f64), &case["confusion"], name);
    }
}

#[test]
fn tests_are_those_of_scipy() {
    for (name, case) in &golden() {
        let rows = rows(case);
        for (got, expected) in [
            (mann_whitney_z(&rows), &case["mann_whitney_z"]),
            (Some(spiegelhalter_z(&rows)), &case["spiegelhalter_z"]),
        ] {
            let (got, expected) = (got.unwrap_or(f64::NAN), expected.as_f64().unwrap_or(f64::NAN));
            assert!(
                (got - expected).abs() < 1e-11 || got.is_nan() && expected.is_nan(),
                "{name} {got} {expected}"
            );
        }
    }
}

#[test]
fn curves_are_those_of_scikit_learn() {
    for (name, case) in &golden() {
        let Evaluation { roc, precision_recall, calibration, .. } = evaluation(case);
        let roc = roc.unwrap().points;
        let rates: Vec<f64> = roc.iter().map(|point| point.false_positive_rate).collect();
        assert_close(&rates, &case["false_positive_rate"], name);
        let rates: Vec<f64> = roc.iter().map(|point| point.true_positive_rate).collect();
        assert_close(&rates, &case["true_positive_rate"], name);
        // A row with scikit-learn's threshold is positive there, and here one with a probability above ours.
        let thresholds: Vec<f64> = roc.iter().map(|point| point.threshold).collect();
        assert_close(&thresholds[..thresholds.len() - 1], &case["lowest_positive"], name);

        let points = precision_recall.unwrap().points;
        let precisions: Vec<f64> = points.iter().map(|point| point.precision).collect();
        assert_close(&precisions, &case["precision"], name);
        let recalls: Vec<f64> = points.iter().map(|point| point.recall).collect();
        assert_close(&recalls, &case["recall"], name);
        let thresholds: Vec<f64> = points.iter().map(|point| point.threshold).collect();
        assert_close(
            &thresholds[..thresholds.len() - 1],
            &numbers(&case["lowest_positive"])[1..].into(),
            name,
        );

        let bins = calibration.bins;
        let predicted: Vec<f64> = bins.iter().map(|bin| bin.mean_predicted).collect();
        assert_close(&predicted, &case["mean_predicted"], name);
        let observed: Vec<f64> = bins.iter().map(|bin| bin.observed_share).collect();
        assert_close(&observed, &case["observed_share"], name);
        let counts: Vec<f64> = bins.iter().map(|bin| bin.n_rows as f64).collect();
        assert_close(&counts, &case["bin_rows"], name);
    }
}

#[test]
fn an_evaluation_is_written_as_json() {
    let rows = ScoredRows::new(&[0.25, 0.75], &[true, true]).unwrap();
    let json = serde_json::to_value(Evaluation::of(&rows, 0.5)).unwrap();
    assert_eq!(json["roc"], Value::Null);
    assert_eq!(json["confusion"]["false_negatives"], 1);
    assert_eq!(json["precision_recall"]["points"][1]["threshold"], 0.0);
    assert_eq!(json["calibration"]["bins"][0]["n_rows"], 1);
}
