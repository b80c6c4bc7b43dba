use serde_json::Value;

/// The first thing in which `value` does not fit `schema`, of the keywords of JSON Schema that the document uses;
/// panics at any other, so that none is passed over.
pub(super) fn violation(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let keywords = schema.as_object().expect("a schema is an object");
    let fits = |schema: &Value, value: &Value| violation(document, schema, value).is_none();
    keywords.iter().find_map(|(keyword, argument)| {
        let list = || argument.as_array().expect("a list");
        let size = || argument.as_u64().expect("a number");
        let is_fit = match keyword.as_str() {
            "description" | "examples" => true,
            "$ref" => {
                let target = document.pointer(argument.as_str()?.trim_start_matches('#'));
                return violation(document, target.expect("a component"), value);
            }
            "type" => match argument {
                Value::Array(types) => types.iter().any(|r#type| is_of_type(r#type, value)),
                r#type => is_of_type(r#type, value),
            },
            "enum" => list().contains(value),
            "minimum" => {
                value.as_f64().is_none_or(|value| value >= argument.as_f64().expect("a number"))
            }
            "pattern" => {
                assert_eq!(argument, "^[0-9a-f]{32}$");
                let is_digit = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f');
                value.as_str().is_none_or(|text| text.len() == 32 && text.bytes().all(is_digit))
            }
            "anyOf" => list().iter().any(|schema| fits(schema, value)),
            "oneOf" => list().iter().filter(|schema| fits(schema, value)).count() == 1,
            "required" => value.as_object().is_none_or(|object| {
                list().iter().all(|name| object.contains_key(name.as_str().expect("a name")))
            }),
            "properties" => {
                let object = value.as_object()?;
                return object
                    .iter()
                    .find_map(|(name, value)| violation(document, argument.get(name)?, value));
            }
            "additionalProperties" => value.as_object().is_none_or(|object| {
                let known = |name: &String| {
                    keywords.get("properties").is_some_and(|all| all.get(name).is_some())
                };
                let mut others = object.iter().filter(|(name, _)| !known(name));
                others.all(|(_, value)| *argument != false && fits(argument, value))
            }),
            "prefixItems" => {
                let items = value.as_array()?.iter().zip(list());
                return items
                    .into_iter()
                    .find_map(|(value, schema)| violation(document, schema, value));
            }
            "items" => {
                let n_before =
                    keywords.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                let mut items = value.as_array()?.iter().skip(n_before);
                if *argument == false {
                    items.next().is_none()
                } else {
                    return items.find_map(|value| violation(document, argument, value));
                }
            }
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= size()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= size()),
            "uniqueItems" => value.as_array().is_none_or(|items| {
                items.iter().enumerate().all(|(i, item)| !items[..i].contains(item))
            }),
            other => panic!("unknown keyword `{other}`"),
        };
        (!is_fit).then(|| format!("`{value}` against `{keyword}`: {argument}"))
    })
}

fn is_of_type(r#type: &Value, value: &Value) -> bool {
    match r#type.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("unknown type `{other}`"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    use serde_json::json;
    let document = json!({"components": {"schemas": {"Flag": {"enum": [0, 1]}}}});
    for (schema, fits, does_not) in [
        (json!({"$ref": "#/components/schemas/Flag"}), json!(1), json!(2)),
        (json!({"type": ["integer", "null"]}), json!(1.0), json!(1.5)),
        (json!({"minimum": 0}), json!(0), json!(-1)),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), json!(null), json!(1)),
        (json!({"oneOf": [{"type": "number"}, {"minimum": 5}]}), json!(1), json!(6)),
        (json!({"required": ["a"]}), json!({"a": 1}), json!({"b": 1})),
        (json!({"properties": {"a": {"type": "null"}}}), json!({"b": 1}), json!({"a": 1})),
        (
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            json!({"a": 1}),
            json!({"b": 1}),
        ),
        (json!({"additionalProperties": {"type": "null"}}), json!({"a": null}), json!({"a": 1})),
        (
            json!({"prefixItems": [{"type": "null"}], "items": false}),
            json!([null]),
            json!([null, 1]),
        ),
        (json!({"items": {"type": "null"}, "maxItems": 2}), json!([null]), json!([1])),
        (json!({"minItems": 1, "maxItems": 2}), json!([0, 0]), json!([])),
        (json!({"uniqueItems": true}), json!([0, 1]), json!([0, 0])),
    ] {
        assert_eq!(violation(&document, &schema, &fits), None, "{schema}");
        assert!(violation(&document, &schema, &does_not).is_some(), "{schema}");
    }
}
