//! `configuration.json`: which three models the service runs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use mlops_core::durable;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Whatever is larger is no configuration.
const MAX_BYTES: u64 = 1 << 20;

/// The URIs of the three models, under the keys of the original.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(expecting = "an object with the URIs of three models")]
pub(crate) struct Configuration {
    #[serde(rename = "prediction_model_artifact_uri")]
    pub(crate) prediction: String,
    #[serde(rename = "drift_model_artifact_uri")]
    pub(crate) drift: String,
    #[serde(rename = "outlier_model_artifact_uri")]
    pub(crate) outliers: String,
}

impl Configuration {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let mut text = Vec::new();
        let file = File::open(path).map_err(Error::io(path))?;
        file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(Error::io(path))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(Error::ConfigurationSize { path: path.to_owned() });
        }
        serde_json::from_slice(&text)
            .map_err(|source| Error::Configuration { path: path.to_owned(), source })
    }

    /// Checks that there is a folder to write a configuration into, before anything is made that it shall name.
    pub(crate) fn check_place(path: &Path) -> Result<(), Error> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), |folder| folder.read_dir().map(|_| ()).map_err(Error::io(path)))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self);
        let mut text =
            text.map_err(|source| Error::Configuration { path: path.to_owned(), source })?;
        text.push(b'\n');
        durable::write(path, &text).map_err(Error::io(path))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_keys_are_those_of_the_original() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("configuration.json");
        let configuration = Configuration {
            prediction: "models:/wine_quality/1".to_owned(),
            drift: "models:/wine_quality_drift/1".to_owned(),
            outliers: "models:/wine_quality_outlier/1".to_owned(),
        };
        configuration.write(&path).unwrap();
        insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r#"
        {
          "prediction_model_artifact_uri": "models:/wine_quality/1",
          "drift_model_artifact_uri": "models:/wine_quality_drift/1",
          "outlier_model_artifact_uri": "models:/wine_quality_outlier/1"
        }
        "#);
        assert_eq!(Configuration::read(&path).unwrap(), configuration);
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("configuration.json");
        assert!(
            Configuration::read(&path)
                .unwrap_err()
                .chain()
                .contains("configuration.json cannot be read")
        );
        fs::write(&path, r#"{"prediction_model_artifact_uri": "models:/m/1"}"#).unwrap();
        let error = Configuration::read(&path).unwrap_err().chain();
        assert!(error.contains("missing field `drift_model_artifact_uri`"), "{error}");
    }
}
