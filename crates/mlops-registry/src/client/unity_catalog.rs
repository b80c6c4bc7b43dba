//! How Unity Catalog of Databricks wants the registry's calls.

use mlops_core::{ModelDir, Signature};
use reqwest::Method;

use super::call::{CATALOG_FILES, Call};
use crate::{Error, ErrorKind, NameError};

const PREFIX: &str = "unity-catalog/";
const SEARCH_MODELS: &str = "registered-models/search";

/// What Unity Catalog has no word for, or misses.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error("Unity Catalog has no stages: let aliases point to versions instead")]
    Stages,
    #[error("Unity Catalog lists registered models without filter and order")]
    Search,
    #[error("Unity Catalog takes models only whose signature has inputs and outputs")]
    Signature,
}

/// The same call of the registry for Unity Catalog.
///
/// # Errors
/// * [`Unsupported`](ErrorKind::Unsupported) if there is none
/// * [`InvalidName`](ErrorKind::InvalidName) if a model has not a name of three parts
pub(crate) fn translated(mut call: Call) -> Result<Call, Error> {
    if call.path.starts_with(CATALOG_FILES) {
        return Ok(call);
    }
    let lacks = |missing: Missing| {
        Error::new(ErrorKind::Unsupported, call.operation, &call.target).with_source(missing)
    };
    match &*call.path {
        "model-versions/transition-stage" | "registered-models/get-latest-versions" => {
            return Err(lacks(Missing::Stages));
        }
        SEARCH_MODELS => {
            let is_wish = |key: &str| matches!(key, "filter" | "order_by");
            if call.query.iter().any(|(key, value)| is_wish(key) && !value.is_empty()) {
                return Err(lacks(Missing::Search));
            }
            call.query.retain(|(key, _)| !is_wish(key));
        }
        "registered-models/rename" => {
            call.method = Method::PATCH;
            call.path = "registered-models/update".into();
        }
        _ => {}
    }
    let name = named(&call).map(|name| check_name(call.operation, name));
    name.transpose()?;
    call.path = format!("{PREFIX}{}", call.path).into();
    Ok(call)
}

/// The model that a call is about.
fn named(call: &Call) -> Option<&str> {
    let in_query = call.query.iter().find(|(key, _)| *key == "name").map(|(_, value)| &**value);
    in_query.or_else(|| call.body.as_ref()?["name"].as_str())
}

/// Models are called `catalog.schema.model`.
pub(crate) fn check_name(operation: &'static str, name: &str) -> Result<(), Error> {
    let parts: Vec<_> = name.split('.').collect();
    if parts.len() == 3 && parts.iter().all(|part| !part.is_empty()) {
        return Ok(());
    }
    let form = NameError::Form { what: "name of Unity Catalog: `catalog.schema.model`" };
    Err(Error::name(operation, name, form))
}

/// The catalog would not take the model without a signature; MLflow does without inputs.
///
/// # Errors
/// [`Model`](ErrorKind::Model) if the model cannot be read, or has none.
pub(crate) fn check_signature(model: &ModelDir, about: &str) -> Result<(), Error> {
    let is_complete =
        |signature: &Signature| signature.inputs.is_some() && signature.outputs.is_some();
    if model.signature().is_some_and(is_complete) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Model, "register", about).with_source(Missing::Signature))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn get(path: &'static str) -> Call {
        Call::get("get", path)
    }

    #[test]
    fn calls_of_the_registry_have_a_prefix() {
        let call = translated(get("model-versions/get").query("name", "a.b.c")).unwrap();
        assert_eq!(call.path, "unity-catalog/model-versions/get");
        let search = get("registered-models/search").query("filter", "").query("max_results", 9);
        let search = translated(search).unwrap();
        assert_eq!(search.query, [("max_results", "9".to_owned())]);
        let body = json!({ "name": "a.b.c", "new_name": "a.b.d" });
        let rename = translated(Call::post("rename", "registered-models/rename", body)).unwrap();
        assert_eq!(rename.path, "unity-catalog/registered-models/update");
        assert_eq!(rename.method, Method::PATCH);
    }

    #[test]
    fn what_there_is_no_word_for_is_not_sent() {
        for call in [
            get("registered-models/get-latest-versions").query("name", "a.b.c"),
            Call::post("move", "model-versions/transition-stage", json!({ "name": "a.b.c" })),
            get("registered-models/search").query("filter", "name = 'a'"),
            get("registered-models/search").query("order_by", "name ASC"),
        ] {
            assert!(translated(call).unwrap_err().is_unsupported());
        }
    }

    #[test]
    fn names_have_three_parts() {
        for name in ["wine", "a.b", "a.b.c.d", "a..c", "", ".b.c"] {
            let error = translated(get("registered-models/get").query("name", name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{name}");
            let body = json!({ "name": name });
            translated(Call::post("register", "registered-models/create", body)).unwrap_err();
        }
    }
}
