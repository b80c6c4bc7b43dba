//! What services answer, beside what ours computes from the same files.

use std::error::Error;
use std::sync::Arc;

use mlops_benches::seed::SeedModels;
use mlops_core::{DriftDetector, DriftReport, OutlierDetector, Records};
use serde_json::Value;

/// How far numbers may be from ours.
const TOLERANCE: f64 = 1e-6;

/// What ours says of rows.
#[derive(Debug)]
pub(crate) struct Expected {
    classes: Vec<u32>,
    probabilities: Vec<f64>,
    scores: Vec<f64>,
    /// The features with their p-values.
    pub(crate) exact: Vec<(Arc<str>, f64)>,
    /// The same as alibi-detect computes them.
    pub(crate) as_alibi: Vec<(Arc<str>, f64)>,
}

impl Expected {
    pub(crate) fn of(models: &SeedModels, rows: &Records) -> Result<Self, Box<dyn Error>> {
        let decided = models.classifier.classify(rows)?;
        Ok(Self {
            classes: decided.classes,
            probabilities: decided.probabilities.values.iter().copied().collect(),
            scores: models.outliers.score(rows)?,
            exact: p_values(models.drift.clone().exact().detect(rows)?)?,
            as_alibi: p_values(models.drift.detect(rows)?)?,
        })
    }
}

fn p_values(report: DriftReport) -> Result<Vec<(Arc<str>, f64)>, &'static str> {
    let features = report.features.into_iter();
    let p_values = features.map(|feature| Some((feature.feature, feature.p_value?)));
    p_values.collect::<Option<_>>().ok_or("a feature without a p-value")
}

/// The original's answer has our classes, scores and these p-values.
pub(crate) fn monitored(
    answer: &Value,
    expected: &Expected,
    p_values: &[(Arc<str>, f64)],
) -> Result<(), String> {
    let answer = &answer[0];
    classes(&answer["predictions"], expected)?;
    let monitoring = &answer["monitoring"];
    are_close(&monitoring["outliers"]["instance_score"], &expected.scores)?;
    let got = monitoring["drift"]["p_value"].as_object().ok_or("no p-values")?;
    if got.len() != p_values.len() {
        return Err(format!("{} p-values", got.len()));
    }
    for (feature, expected) in p_values {
        let got = got.get(&**feature).and_then(Value::as_f64);
        if !got.is_some_and(|got| (got - expected).abs() <= TOLERANCE) {
            return Err(format!("the p-value {got:?} of {feature} instead of {expected}"));
        }
    }
    Ok(())
}

pub(crate) fn classes(got: &Value, expected: &Expected) -> Result<(), String> {
    let classes = &expected.classes;
    if got.as_array().is_some_and(|got| got.iter().eq(classes)) {
        return Ok(());
    }
    Err(format!("the classes {got} instead of {classes:?}"))
}

pub(crate) fn probabilities(got: &Value, expected: &Expected) -> Result<(), String> {
    are_close(got, &expected.probabilities)
}

fn are_close(got: &Value, expected: &[f64]) -> Result<(), String> {
    let numbers = got.as_array().ok_or_else(|| format!("{got} instead of numbers"))?;
    let is_close = |(got, expected): (&Value, &f64)| {
        got.as_f64().is_some_and(|got| (got - expected).abs() <= TOLERANCE)
    };
    if numbers.len() == expected.len() && numbers.iter().zip(expected).all(is_close) {
        return Ok(());
    }
    Err(format!("{got} instead of {expected:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected() -> Expected {
        Expected {
            classes: vec![0, 1],
            probabilities: vec![0.25, 0.75],
            scores: vec![-0.1, 0.1],
            exact: vec![("pH".into(), 0.5)],
            as_alibi: vec![("pH".into(), 0.25)],
        }
    }

    #[test]
    fn each_part_of_an_answer_is_compared() {
        let answer = |classes: Value, scores: Value, p_value: Value| {
            json!([{"predictions": classes, "monitoring": {
                "drift": {"p_value": p_value}, "outliers": {"instance_score": scores}}}])
        };
        let expected = expected();
        let (classes, scores, p_value) = (json!([0, 1]), json!([-0.1, 0.1]), json!({"pH": 0.5}));
        let compare = |answer: &Value| monitored(answer, &expected, &expected.exact);
        compare(&answer(classes.clone(), scores.clone(), p_value.clone())).unwrap();
        compare(&answer(classes.clone(), json!([-0.1, 0.100_000_5]), p_value.clone())).unwrap();
        for wrong in [
            answer(json!([0, 0]), scores.clone(), p_value.clone()),
            answer(json!([0]), scores.clone(), p_value.clone()),
            answer(classes.clone(), json!([-0.1, 0.100_002]), p_value.clone()),
            answer(classes.clone(), json!([-0.1]), p_value),
            answer(classes.clone(), scores.clone(), json!({"pH": 0.25})),
            answer(classes.clone(), scores.clone(), json!({"pH": null})),
            answer(classes, scores, json!({"pH": 0.5, "more": 0.5})),
            json!({}),
        ] {
            compare(&wrong).unwrap_err();
        }
    }
}
