use std::collections::BTreeMap;

use serde::Serialize;

use super::Datatype;

/// The answer to an inference request.
#[derive(Debug, Serialize)]
pub(crate) struct InferResponse<'a> {
    pub(crate) model_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) parameters: BTreeMap<&'static str, &'static str>,
    pub(crate) outputs: Vec<Tensor>,
}

/// A tensor of a response.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Tensor {
    name: &'static str,
    shape: Vec<usize>,
    datatype: Datatype,
    data: TensorData,
}

impl Tensor {
    /// A tensor with one value for each row, or for whatever else is counted.
    pub(crate) fn vector(name: &'static str, data: TensorData) -> Self {
        Self::new(name, vec![data.len()], data)
    }

    /// A tensor of a shape with as many elements as there are.
    pub(crate) fn new(name: &'static str, shape: Vec<usize>, data: TensorData) -> Self {
        Self { name, shape, datatype: data.datatype(), data }
    }
}

/// The elements of a tensor. A number that is not finite is written as `null`, like one that is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum TensorData {
    Bool(Vec<bool>),
    Int64(Vec<i64>),
    Fp64(Vec<f64>),
}

impl TensorData {
    fn datatype(&self) -> Datatype {
        match self {
            Self::Bool(_) => Datatype::Bool,
            Self::Int64(_) => Datatype::Int64,
            Self::Fp64(_) => Datatype::Fp64,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Fp64(values) => values.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_holds_its_tensors_and_no_empty_fields() {
        let response = InferResponse {
            model_name: "wine_quality",
            model_version: Some("7"),
            id: Some("42".to_owned()),
            parameters: BTreeMap::from([("drift", "unavailable")]),
            outputs: vec![
                Tensor::vector("predict", TensorData::Int64(vec![0, 1])),
                Tensor::vector("predict_proba", TensorData::Fp64(vec![0.25, f64::NAN])),
                Tensor::vector("is_outlier", TensorData::Bool(vec![false, true])),
            ],
        };
        insta::assert_snapshot!(serde_json::to_string(&response).unwrap(), @r#"{"model_name":"wine_quality","model_version":"7","id":"42","parameters":{"drift":"unavailable"},"outputs":[{"name":"predict","shape":[2],"datatype":"INT64","data":[0,1]},{"name":"predict_proba","shape":[2],"datatype":"FP64","data":[0.25,null]},{"name":"is_outlier","shape":[2],"datatype":"BOOL","data":[false,true]}]}"#);
        let bare = InferResponse {
            model_version: None,
            id: None,
            parameters: BTreeMap::new(),
            outputs: vec![],
            ..response
        };
        insta::assert_snapshot!(serde_json::to_string(&bare).unwrap(), @r#"{"model_name":"wine_quality","outputs":[]}"#);
    }
}
