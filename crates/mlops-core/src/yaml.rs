//! YAML as MLflow reads and writes it.
//!
//! Python reads YAML 1.1, where `3.10` is a float and an unquoted run of digits an integer: every string is quoted on
//! writing, and what is read keeps the type that it was written with.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why text is not the YAML that was expected.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    message: String,
}

/// Reads YAML or JSON.
///
/// # Errors
/// [`YamlError`] with line and column if the text is malformed or not a `T`.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    serde_saphyr::from_str(text).map_err(|error| {
        // The rendered error shows a window of the text; its first line says it all.
        let message = error.to_string();
        YamlError { message: message.lines().next().unwrap_or_default().to_owned() }
    })
}

/// Writes YAML that YAML 1.1 and 1.2 read alike.
///
/// # Errors
/// [`YamlError`] if `value` has a map with keys that are not scalars.
pub fn to_string<T: Serialize>(value: &T) -> Result<String, YamlError> {
    let options = serde_saphyr::ser_options! { quote_all: true };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| YamlError { message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn strings_that_look_like_numbers_are_quoted() {
        let value = json!({"version": "3.10", "id": "123", "yes": "no", "n": 3, "none": null, "map": {}, "list": []});
        let text = to_string(&value).unwrap();
        insta::assert_snapshot!(text, @r#"
        id: '123'
        list: []
        map: {}
        "n": 3
        none: null
        version: '3.10'
        "yes": 'no'
        "#);
        assert_eq!(from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn json_is_read_too() {
        assert_eq!(from_str::<Value>(r#"{"a": [1, "2"]}"#).unwrap(), json!({"a": [1, "2"]}));
    }

    #[test]
    fn an_error_is_one_line() {
        let error = from_str::<Value>("a: [1\nb: {").unwrap_err();
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
