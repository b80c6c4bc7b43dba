//! Words to write schemas with.

use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ArrayItems, ObjectBuilder, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

pub(super) type Schema = RefOr<utoipa::openapi::Schema>;

/// A field of an object and its schema.
pub(super) type Field<'a> = (&'a str, Schema);

pub(super) fn of(r#type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(r#type)
}

pub(super) fn of_any(types: impl IntoIterator<Item = Type>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(types.into_iter().collect::<SchemaType>())
}

pub(super) fn or_null(r#type: Type) -> ObjectBuilder {
    of_any([r#type, Type::Null])
}

/// JSON has no number for what is not finite.
pub(super) fn number_or_null() -> Schema {
    or_null(Type::Number).into()
}

/// One of these texts.
pub(super) fn one_of_texts<T: Into<Value>>(texts: impl IntoIterator<Item = T>) -> ObjectBuilder {
    of(Type::String).enum_values(Some(texts))
}

/// This text.
pub(super) fn text(text: &str) -> Schema {
    one_of_texts([text]).into()
}

/// A natural number, 0 included.
pub(super) fn natural() -> ObjectBuilder {
    of(Type::Integer).minimum(Some(0))
}

pub(super) fn list(items: impl Into<ArrayItems>) -> ArrayBuilder {
    ArrayBuilder::new().items(items)
}

/// An object that has some fields, may have others, and may have further ones that nobody looks at.
pub(super) fn object<'a>(
    required: impl IntoIterator<Item = Field<'a>>,
    optional: impl IntoIterator<Item = Field<'a>>,
) -> ObjectBuilder {
    let object = required.into_iter().fold(of(Type::Object), |object, (name, schema)| {
        object.property(name, schema).required(name)
    });
    optional.into_iter().fold(object, |object, (name, schema)| object.property(name, schema))
}

/// An object that has some fields, may have others, and has no further ones.
pub(super) fn closed<'a>(
    required: impl IntoIterator<Item = Field<'a>>,
    optional: impl IntoIterator<Item = Field<'a>>,
) -> ObjectBuilder {
    object(required, optional).additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

/// An object with values of one kind under any names.
pub(super) fn map(values: Schema) -> ObjectBuilder {
    of(Type::Object).additional_properties(Some(values))
}

/// At least one of the schemas: those of two models may overlap.
pub(super) fn any_of(schemas: impl IntoIterator<Item = Schema>) -> Schema {
    let mut schemas: Vec<Schema> = schemas.into_iter().collect();
    if schemas.len() == 1 {
        return schemas.remove(0);
    }
    schemas.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).into()
}

/// What stands among the components under this name.
pub(super) fn component(name: &str) -> Schema {
    Ref::from_schema_name(name).into()
}
