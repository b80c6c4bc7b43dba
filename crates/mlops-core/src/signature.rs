use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Feature, FeatureKind, Schema};

/// The inputs and outputs of a model as MLflow's `signature` describes them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Signature {
    /// The columns that the model reads, as JSON text.
    pub inputs: Option<String>,
    /// What the model answers, as JSON text.
    #[serde(default)]
    pub outputs: Option<String>,
    /// The parameters that a request may set, as JSON text.
    #[serde(default)]
    pub params: Option<String>,
}

impl Signature {
    /// The signature of a model that reads `schema` and answers with `output`.
    pub fn new(schema: &Schema, output: &TensorSpec) -> Self {
        let columns: Vec<Value> = schema
            .features()
            .iter()
            .map(|feature| {
                let kind = match feature.kind() {
                    FeatureKind::Numeric => "double",
                    FeatureKind::Integer => "long",
                    FeatureKind::Categorical { .. } => "string",
                };
                json!({"type": kind, "name": feature.name(), "required": true})
            })
            .collect();
        let outputs = json!([{"type": "tensor", "tensor-spec": output}]);
        Self {
            inputs: Some(Value::from(columns).to_string()),
            outputs: Some(outputs.to_string()),
            params: None,
        }
    }

    /// The schema that the input columns describe; `None` if they have no names or no type that a column of records
    /// can have.
    ///
    /// # Errors
    /// [`serde_json::Error`] if the inputs are not a list of columns.
    pub fn schema(&self) -> Result<Option<Schema>, serde_json::Error> {
        let Some(inputs) = &self.inputs else { return Ok(None) };
        let columns: Vec<Column> = serde_json::from_str(inputs)?;
        let features: Option<Vec<Feature>> = columns.into_iter().map(Column::feature).collect();
        Ok(features.and_then(|features| Schema::new(features).ok()))
    }
}

/// An array with a data type and a shape; -1 stands for any length.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TensorSpec {
    /// The NumPy name of the element type, such as `float64`.
    pub dtype: String,
    /// The length of each axis.
    pub shape: Vec<i64>,
}

impl TensorSpec {
    /// One value of type `dtype` per row.
    pub fn per_row(dtype: &str) -> Self {
        Self { dtype: dtype.to_owned(), shape: vec![-1] }
    }
}

#[derive(Deserialize)]
struct Column {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
}

impl Column {
    fn feature(self) -> Option<Feature> {
        let name = self.name?;
        match self.kind.as_str() {
            "double" | "float" => Some(Feature::numeric(name)),
            "long" | "integer" => Some(Feature::integer(name)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_of_numbers_survives_the_signature() {
        let schema =
            Schema::new(vec![Feature::numeric("alcohol"), Feature::integer("is_red")]).unwrap();
        let signature = Signature::new(&schema, &TensorSpec::per_row("float32"));
        insta::assert_debug_snapshot!(signature, @r#"
        Signature {
            inputs: Some(
                "[{\"name\":\"alcohol\",\"required\":true,\"type\":\"double\"},{\"name\":\"is_red\",\"required\":true,\"type\":\"long\"}]",
            ),
            outputs: Some(
                "[{\"tensor-spec\":{\"dtype\":\"float32\",\"shape\":[-1]},\"type\":\"tensor\"}]",
            ),
            params: None,
        }
        "#);
        assert_eq!(signature.schema().unwrap(), Some(schema));
    }

    #[test]
    fn inputs_that_are_no_columns_of_numbers_have_no_schema() {
        for inputs in [
            r#"[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,4]}}]"#,
            r#"[{"type":"string","name":"region"}]"#,
            "[]",
        ] {
            let signature =
                Signature { inputs: Some(inputs.to_owned()), outputs: None, params: None };
            assert_eq!(signature.schema().unwrap(), None, "{inputs}");
        }
    }

    #[test]
    fn malformed_inputs_are_an_error() {
        let signature = Signature { inputs: Some("{".to_owned()), outputs: None, params: None };
        signature.schema().unwrap_err();
    }
}
