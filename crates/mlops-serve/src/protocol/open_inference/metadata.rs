use mlops_core::{Feature, Schema};
use serde::Serialize;

use super::Datatype;

/// What a server says of itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ServerMetadata {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) extensions: &'static [&'static str],
}

impl ServerMetadata {
    /// This server, which has no extensions.
    pub(crate) const OURS: Self =
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), extensions: &[] };
}

/// What a server says of a model.
#[derive(Debug, Serialize)]
pub(crate) struct ModelMetadata<'a> {
    pub(crate) name: &'a str,
    pub(crate) versions: Vec<&'a str>,
    pub(crate) platform: &'a str,
    /// One tensor for each feature.
    pub(crate) inputs: Vec<TensorMetadata<'a>>,
    pub(crate) outputs: Vec<TensorMetadata<'a>>,
}

impl<'a> ModelMetadata<'a> {
    pub(crate) fn new(
        name: &'a str,
        version: Option<&'a str>,
        platform: &'a str,
        schema: &'a Schema,
        outputs: Vec<TensorMetadata<'a>>,
    ) -> Self {
        let inputs = schema.features().iter().map(TensorMetadata::from).collect();
        Self { name, versions: version.into_iter().collect(), platform, inputs, outputs }
    }
}

/// A tensor that a model takes or gives; a size of -1 is any.
#[derive(Debug, Serialize)]
pub(crate) struct TensorMetadata<'a> {
    name: &'a str,
    datatype: Datatype,
    shape: Vec<i64>,
}

impl<'a> TensorMetadata<'a> {
    /// A tensor with one value for each row.
    pub(crate) fn per_row(name: &'a str, datatype: Datatype) -> Self {
        Self { name, datatype, shape: vec![-1] }
    }
}

impl<'a> From<&'a Feature> for TensorMetadata<'a> {
    fn from(feature: &'a Feature) -> Self {
        Self::per_row(feature.name(), Datatype::of(feature.kind()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_takes_one_tensor_for_each_feature() {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("is_red"),
            Feature::categorical("region", ["Douro"]),
        ];
        let schema = Schema::new(features).unwrap();
        let outputs = vec![TensorMetadata::per_row("predict", Datatype::Int64)];
        let model = ModelMetadata::new("wine_quality", Some("7"), "mlops", &schema, outputs);
        insta::assert_snapshot!(serde_json::to_string(&model).unwrap(), @r#"{"name":"wine_quality","versions":["7"],"platform":"mlops","inputs":[{"name":"alcohol","datatype":"FP64","shape":[-1]},{"name":"is_red","datatype":"INT64","shape":[-1]},{"name":"region","datatype":"BYTES","shape":[-1]}],"outputs":[{"name":"predict","datatype":"INT64","shape":[-1]}]}"#);
    }

    #[test]
    fn the_server_names_itself_and_its_version() {
        let json = serde_json::to_string(&ServerMetadata::OURS).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            json,
            format!(r#"{{"name":"mlops-serve","version":"{version}","extensions":[]}}"#)
        );
    }
}
