//! Answers about the rows of a model, as each protocol writes them.

use mlops_core::DriftTest;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

use super::rows::datatypes;
use super::served::Served;
use super::words::{
    Field, Schema, any_of, closed, component, list, map, natural, number_or_null, of, one_of_texts,
    or_null, text,
};
use crate::Form;
use crate::protocol::open_inference::Datatype;
use crate::routes::open_inference::{Output, PLATFORM, outputs};

/// The components that describe what a model answers.
pub(super) fn components(model: &Served, form: Form) -> Vec<(String, Schema)> {
    let schemas = [
        ("Predictions", predictions(model)),
        ("Monitoring", closed(parts(model, drift(model), outliers(model, form)), []).into()),
        ("Answer", answer(model)),
        ("AnswerTensors", tensors(model)),
        ("Metadata", metadata(model)),
    ];
    schemas.into_iter().map(|(name, schema)| (model.component(name), schema)).collect()
}

/// The answer of the original service: one object in an array.
pub(super) fn original(model: &Served) -> Schema {
    let answer = closed(
        [
            ("predictions", component(&model.component("Predictions"))),
            ("monitoring", component(&model.component("Monitoring"))),
        ],
        [],
    );
    list(answer).min_items(Some(1)).max_items(Some(1)).into()
}

pub(super) fn invocation(model: &Served) -> Schema {
    closed([("predictions", component(&model.component("Predictions")))], []).into()
}

/// The readiness of a model in the Open Inference Protocol.
pub(super) fn readiness(model: &Served) -> Schema {
    closed([("name", text(model.name())), ("ready", of(Type::Boolean).into())], []).into()
}

/// The class of each row, or its numbers.
fn predictions(model: &Served) -> Schema {
    if model.scorer.model().is_classifier() { list(natural()).into() } else { numbers().into() }
}

/// A number for each row, or a list of them from a model with several outputs.
fn numbers() -> ArrayBuilder {
    list(any_of([number_or_null(), list(number_or_null()).into()]))
}

fn flag() -> ObjectBuilder {
    of(Type::Integer).enum_values(Some([0, 1]))
}

fn by_feature(model: &Served, value: impl Fn() -> Schema) -> Schema {
    closed(model.features().iter().map(|feature| (feature.name(), value())), []).into()
}

/// The parts of the monitoring that the model has detectors for.
fn parts<'a>(model: &Served, drift: Schema, outliers: Schema) -> Vec<Field<'a>> {
    let model = model.scorer.model();
    let drift = model.drift.as_ref().map(|_| ("drift", drift));
    let outliers = model.outliers.as_ref().map(|_| ("outliers", outliers));
    let or_unavailable = |(name, part)| (name, any_of([part, component("Unavailable")]));
    drift.into_iter().chain(outliers).map(or_unavailable).collect()
}

fn drift_by_feature(model: &Served) -> [Field<'static>; 3] {
    let flag_or_null = || {
        or_null(Type::Integer)
            .enum_values(Some([Value::from(0), Value::from(1), Value::Null]))
            .into()
    };
    [
        ("threshold", of(Type::Number).into()),
        ("is_drift", by_feature(model, flag_or_null)),
        ("p_value", by_feature(model, number_or_null)),
    ]
}

fn drift(model: &Served) -> Schema {
    closed(drift_by_feature(model), []).into()
}

fn outliers(model: &Served, form: Form) -> Schema {
    let by_row = |value: Schema| match form {
        // Names of features stand for the first rows.
        Form::Original => {
            let rows = model.features().iter().map(|feature| (feature.name(), value.clone()));
            Schema::from(closed([], rows))
        }
        _ => list(value).into(),
    };
    let fields =
        [("is_outlier", by_row(flag().into())), ("instance_score", by_row(number_or_null()))];
    closed(fields, []).into()
}

/// All that is known about the rows.
fn answer(model: &Served) -> Schema {
    let served = model.scorer.model();
    let mut fields = vec![
        ("request_id", component("RequestId")),
        ("model", named_model(model)),
        ("predictions", component(&model.component("Predictions"))),
        ("monitoring", monitoring(model)),
    ];
    if served.is_classifier() {
        fields.push(("probabilities", numbers().into()));
    }
    closed(fields, [("explanation", explanation(model))]).into()
}

fn named_model(model: &Served) -> Schema {
    let (version, digest) = (&model.scorer.version().version, &model.scorer.model().digest);
    let version = version.as_ref().map(|version| ("version", text(version)));
    let digest = digest.as_ref().map(|digest| ("sha256", text(digest)));
    let name = [("name", text(model.name()))];
    closed(name.into_iter().chain(version).chain(digest), []).into()
}

fn monitoring(model: &Served) -> Schema {
    let tests = [DriftTest::KolmogorovSmirnov, DriftTest::ChiSquared];
    let test = || one_of_texts(tests.iter().filter_map(|test| serde_json::to_value(test).ok()));
    let more = [
        ("scope", text("request")),
        ("n", natural().into()),
        ("test", by_feature(model, || test().into())),
    ];
    let drift = closed(drift_by_feature(model).into_iter().chain(more), []);
    let outliers = closed(
        [
            ("threshold", number_or_null()),
            ("is_outlier", list(flag()).into()),
            ("instance_score", list(number_or_null()).into()),
            ("percentile", list(number_or_null()).into()),
            ("reasons", list(map(number_or_null())).into()),
        ],
        [],
    );
    closed(parts(model, drift.into(), outliers.into()), []).into()
}

/// What the features of each row contribute; of what the model has nothing to explain with, nothing is said.
fn explanation(model: &Served) -> Schema {
    let prediction = closed(
        [
            ("base_values", Schema::from(list(number_or_null()))),
            // For each row, for each output.
            ("contributions", list(list(by_feature(model, number_or_null))).into()),
        ],
        [],
    );
    let served = model.scorer.model();
    let prediction = served.explainer.as_ref().map(|_| ("prediction", prediction.into()));
    let outliers =
        served.outliers.as_ref().map(|_| ("outliers", list(map(number_or_null())).into()));
    closed(prediction.into_iter().chain(outliers), []).into()
}

/// An answer of the Open Inference Protocol.
fn tensors(model: &Served) -> Schema {
    let tensor = |output: Output| {
        let datatype = output.datatype(&model.scorer);
        let element = match datatype {
            Datatype::Bool => of(Type::Boolean).into(),
            Datatype::Int64 => of(Type::Integer).into(),
            _ => number_or_null(),
        };
        let fields = [
            ("name", text(output.name())),
            ("shape", list(natural()).into()),
            ("datatype", datatypes(&[datatype]).into()),
            ("data", list(element).into()),
        ];
        Schema::from(closed(fields, []))
    };
    let unavailable = ["drift", "outliers"].map(|detector| (detector, text("unavailable")));
    let version = &model.scorer.version().version;
    let version = version.as_ref().map(|version| ("model_version", text(version)));
    let required = [
        ("model_name", text(model.name())),
        ("outputs", list(any_of(outputs(&model.scorer).into_iter().map(tensor))).into()),
    ];
    let optional =
        [("id", of(Type::String).into()), ("parameters", closed([], unavailable).into())];
    closed(required.into_iter().chain(version), optional).into()
}

/// What the Open Inference Protocol says of a model.
fn metadata(model: &Served) -> Schema {
    let tensors = list(closed(
        [
            ("name", of(Type::String).into()),
            ("datatype", component("Datatype")),
            ("shape", list(of(Type::Integer)).into()),
        ],
        [],
    ));
    let tensors = Schema::from(tensors);
    // A model has one version, or one without a name.
    let versions = list(of(Type::String)).max_items(Some(1));
    closed(
        [
            ("name", text(model.name())),
            ("versions", versions.into()),
            ("platform", text(PLATFORM)),
            ("inputs", tensors.clone()),
            ("outputs", tensors),
        ],
        [],
    )
    .into()
}
