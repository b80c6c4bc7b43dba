//! Requests that are answered, and an answer that few requests get.

use mlops_core::{
    Alarm, DriftReport, DriftTest, EffectSizes, Feature, FeatureDrift, MonitorSnapshot,
    PValueMethod,
};
use serde_json::{Value, json};

use super::served::Served;
use crate::protocol::open_inference::Datatype;

/// The name of an example and its body.
pub(super) type Example = (String, Value);

pub(super) fn records(model: &Served) -> Example {
    (model.name().to_owned(), json!([row(model)]))
}

pub(super) fn instances(model: &Served) -> Example {
    (format!("{}, in an object", model.name()), json!({"instances": [row(model)]}))
}

pub(super) fn labels() -> Example {
    let request_id = "0123456789abcdef0123456789abcdef";
    ("a label".to_owned(), json!({"request_id": request_id, "row": 0, "label": 1}))
}

/// What monitors say after an alarm.
pub(super) fn monitors(model: &Served) -> Example {
    let feature = model.features().first().map_or("", Feature::name);
    let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
    let mut drift = FeatureDrift::tested(feature, test, 0.125, 2.5e-7, method);
    drift.effects = Some(EffectSizes::new(0.125, Some(0.25), 0.0625));
    drift.n_values = 1000;
    let mut report = DriftReport::new(0.001, vec![drift]);
    report.n_rows = 1000;
    let mut snapshot = MonitorSnapshot::new("window", 1414);
    snapshot.n_alarms = 1;
    let feature = Some(feature.into());
    snapshot.alarms = vec![Alarm::new(feature, "adjusted_p_value", 2.5e-7, 0.001, 1000)];
    snapshot.last_window = Some(report);
    let monitors = [json!({"name": "window", "snapshot": snapshot})];
    let model = json!({"name": model.name(), "monitors": monitors});
    ("an alarm".to_owned(), json!({"models": [model]}))
}

pub(super) fn invocations(model: &Served) -> Vec<Example> {
    let values = model.example();
    let columns: serde_json::Map<_, _> =
        names(model).zip(&values).map(|(name, value)| (name.to_owned(), json!([value]))).collect();
    let columns_in_order: Vec<_> = names(model).collect();
    let formats = [
        ("dataframe_split", json!({"columns": columns_in_order, "data": [values]})),
        ("dataframe_records", json!([row(model)])),
        ("instances", json!([values])),
        ("inputs", json!(columns)),
    ];
    formats.map(|(format, data)| (format.to_owned(), json!({format: data}))).into()
}

pub(super) fn csv(model: &Served) -> Example {
    let line =
        |cells: Vec<String>| cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
    let header = line(names(model).map(str::to_owned).collect());
    let row = line(model.example().iter().map(plain).collect());
    ("a header and a row".to_owned(), Value::String(format!("{header}\n{row}\n")))
}

/// One tensor for each feature, and where all features are numbers one for them all.
pub(super) fn tensors(model: &Served) -> Vec<Example> {
    let values = model.example();
    let tensor = |(feature, value): (&Feature, &Value)| {
        let datatype = match Datatype::of(feature.kind()) {
            // Integers have no missing values.
            Datatype::Int64 if value.is_null() => Datatype::Fp64,
            datatype => datatype,
        };
        json!({"name": feature.name(), "shape": [1], "datatype": datatype, "data": [value]})
    };
    let by_feature: Vec<_> = model.features().iter().zip(&values).map(tensor).collect();
    let mut examples = vec![(
        format!("{}, a tensor for each feature", model.name()),
        json!({"inputs": by_feature}),
    )];
    if model.features().iter().all(|feature| Datatype::of(feature.kind()) != Datatype::Bytes) {
        let shape = [1, values.len()];
        let matrix = json!({"name": "rows", "shape": shape, "datatype": "FP64", "data": values});
        let name = format!("{}, a tensor for all features", model.name());
        examples.push((name, json!({"inputs": [matrix]})));
    }
    examples
}

fn names(model: &Served) -> impl Iterator<Item = &str> {
    model.features().iter().map(Feature::name)
}

fn row(model: &Served) -> Value {
    names(model).map(str::to_owned).zip(model.example()).collect()
}

/// A value as CSV has it, where nothing stands for one that is missing.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
