//! Rows of a model, as each protocol writes them.

use mlops_core::{Feature, FeatureKind};
use serde_json::Value;
use utoipa::openapi::schema::{
    ArrayBuilder, ArrayItems, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};

use super::served::Served;
use super::words::{
    Field, Schema, any_of, closed, component, list, natural, object, of, of_any, one_of_texts,
    or_null,
};
use crate::protocol::open_inference::Datatype;
use crate::routes::open_inference::{Output, outputs};

/// The components that describe what a model takes.
pub(super) fn components(model: &Served, max_rows: usize) -> Vec<(String, Schema)> {
    let schemas = [
        ("Row", row(model, closed(values(model), []))),
        ("Records", rows(component(&model.component("Row")), max_rows).into()),
        ("LooseRow", row(model, object(values(model), []))),
        ("Invocation", invocation(model, max_rows)),
        ("RowsOrColumns", rows_or_columns(model, max_rows)),
        ("Tensors", tensors(model)),
    ];
    schemas.into_iter().map(|(name, schema)| (model.component(name), schema)).collect()
}

fn values(model: &Served) -> impl Iterator<Item = Field<'_>> {
    model.features().iter().map(|feature| (feature.name(), value(feature).into()))
}

/// A value of a feature. The range is said in words only: values outside of it are taken, too.
fn value(feature: &Feature) -> ObjectBuilder {
    let schema = match feature.kind() {
        FeatureKind::Integer => or_null(Type::Integer),
        FeatureKind::Categorical { levels } => {
            let levels = levels.iter().map(|level| Value::from(level.as_str()));
            return or_null(Type::String).enum_values(Some(levels.chain([Value::Null])));
        }
        _ => or_null(Type::Number),
    };
    let observed =
        feature.range().map(|range| format!("observed from {} to {}", range.min, range.max));
    schema.description(observed)
}

/// Values of all features mixed.
fn any_value(model: &Served) -> ObjectBuilder {
    let mut types = vec![];
    for feature in model.features() {
        let r#type = match feature.kind() {
            FeatureKind::Categorical { .. } => Type::String,
            _ => Type::Number,
        };
        if !types.contains(&r#type) {
            types.push(r#type);
        }
    }
    types.push(Type::Null);
    of_any(types)
}

fn row(model: &Served, schema: ObjectBuilder) -> Schema {
    let names = model.features().iter().map(|feature| feature.name().to_owned());
    let example = names.zip(model.example()).collect();
    schema.examples([Value::Object(example)]).into()
}

fn rows(row: impl Into<ArrayItems>, max_rows: usize) -> ArrayBuilder {
    list(row).min_items(Some(1)).max_items(Some(max_rows))
}

/// A list of rows, or an object with a list for each column.
fn rows_or_columns(model: &Served, max_rows: usize) -> Schema {
    let values = |feature: &Feature| rows(cell(value(feature).into()), max_rows).into();
    let columns = model.features().iter().map(|feature| (feature.name(), values(feature)));
    let ordered: Schema = ArrayBuilder::new()
        .prefix_items(model.features().iter().map(|feature| value(feature).build()))
        .items(ArrayItems::False)
        .min_items(Some(model.features().len()))
        .into();
    let mut row_forms = vec![component(&model.component("LooseRow")), ordered];
    if let [feature] = model.features() {
        row_forms.push(value(feature).into());
    }
    any_of([rows(any_of(row_forms), max_rows).into(), Schema::from(object(columns, []))])
}

/// MLflow's four formats; a request has exactly one of them.
fn invocation(model: &Served, max_rows: usize) -> Schema {
    let loose_row = component(&model.component("LooseRow"));
    let tensor = component(&model.component("RowsOrColumns"));
    let split = closed(
        [
            ("columns", list(of(Type::String)).into()),
            ("data", rows(list(any_value(model)), max_rows).into()),
        ],
        // Whatever it is, nobody looks at it.
        [("index", ObjectBuilder::new().schema_type(SchemaType::AnyValue).into())],
    );
    [
        ("dataframe_split", Schema::from(split)),
        ("dataframe_records", rows(loose_row, max_rows).into()),
        ("instances", tensor.clone()),
        ("inputs", tensor),
    ]
    .into_iter()
    .map(|format| object([format], [("params", of(Type::Object).into())]))
    .fold(OneOfBuilder::new(), OneOfBuilder::item)
    .into()
}

/// A value, or a list that holds just that.
fn cell(value: Schema) -> Schema {
    any_of([value.clone(), list(value).min_items(Some(1)).max_items(Some(1)).into()])
}

/// A request of the Open Inference Protocol: one tensor with all features, or one for each.
fn tensors(model: &Served) -> Schema {
    let n_features = model.features().len();
    let sizes = |n| Schema::from(list(natural()).min_items(Some(1)).max_items(Some(n)));
    let flat_or_nested = |value: ObjectBuilder| {
        let value = Schema::from(value);
        Schema::from(list(any_of([value.clone(), list(value).into()])))
    };
    let tensor = |name: Schema, n_sizes, value| {
        object(
            [
                ("name", name),
                ("shape", sizes(n_sizes)),
                ("datatype", component("Datatype")),
                ("data", flat_or_nested(value)),
            ],
            [("parameters", of(Type::Object).into())],
        )
    };
    let element = || of_any([Type::Number, Type::Boolean, Type::String, Type::Null]);
    let matrix = tensor(of(Type::String).into(), 2, element())
        .description(Some(format!("all features: its shape is [rows, {n_features}]")));
    let names = one_of_texts(model.features().iter().map(Feature::name));
    let column = tensor(names.into(), 2, element())
        .description(Some("one feature: its shape is [rows] or [rows, 1]"));
    let n_tensors =
        |schema: ObjectBuilder, n| list(schema).min_items(Some(n)).max_items(Some(n)).into();
    let inputs = any_of([n_tensors(matrix, 1), n_tensors(column, n_features)]);
    let selected = outputs(&model.scorer).into_iter().map(Output::name);
    let selected = list(object([("name", one_of_texts(selected).into())], []));
    object(
        [("inputs", inputs)],
        [
            ("id", of(Type::String).into()),
            ("parameters", of(Type::Object).into()),
            ("outputs", selected.unique_items(true).into()),
        ],
    )
    .into()
}

pub(super) fn datatypes(datatypes: &[Datatype]) -> ObjectBuilder {
    one_of_texts(datatypes.iter().filter_map(|datatype| serde_json::to_value(datatype).ok()))
}
