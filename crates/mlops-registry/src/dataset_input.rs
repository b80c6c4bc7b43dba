use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::check_length;
use crate::{Error, NameError};

/// The tag in which MLflow keeps the context.
const CONTEXT_TAG: &str = "mlflow.data.context";

/// A data set that a run was given.
///
/// Name and digest say which one it is: a run has each once, with the context of the first time. Parts of a data set that
/// are used for different things have digests of their own.
///
/// # Examples
/// ```
/// use mlops_registry::{DatasetInput, LocalStore};
///
/// # let folder = tempfile::tempdir()?;
/// let store = LocalStore::open(folder.path().join("mlruns"))?;
/// let run = store.start_run(&store.experiment("wine quality")?, "baseline", None)?;
/// let wines = DatasetInput::new("wines", "5e9b8a02", "local", r#"{"uri": "wines.csv"}"#)
///     .profile(r#"{"num_rows": 1599}"#)
///     .context("training");
/// run.log_inputs(&[wines.clone()])?;
/// assert_eq!(run.inputs()?, [wines]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct DatasetInput {
    /// The name, of at most 500 characters.
    pub name: String,
    /// What tells versions of the data set apart, of at most 36 characters.
    pub digest: String,
    /// Of what kind the source is, such as `local` or `http`.
    pub source_type: String,
    /// Where the data came from, as the kind of source has it: mostly JSON, such as `{"uri": "data.csv"}`.
    pub source: String,
    /// The columns, as MLflow's JSON has them: `{"mlflow_colspec": [..]}`.
    pub schema: Option<String>,
    /// Figures of the data in JSON, such as `{"num_rows": 1599}`.
    pub profile: Option<String>,
    /// What the run used it for, such as `training` or `evaluation`.
    pub context: Option<String>,
    /// Further tags.
    pub tags: BTreeMap<String, String>,
}

impl DatasetInput {
    /// A data set with a name and a digest, of a source of some kind.
    pub fn new(
        name: impl Into<String>,
        digest: impl Into<String>,
        source_type: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        let dataset = Dataset {
            name: name.into(),
            digest: digest.into(),
            source_type: source_type.into(),
            source: source.into(),
            schema: None,
            profile: None,
        };
        Self::from_parts(dataset, BTreeMap::new())
    }

    /// The columns, as MLflow's JSON has them: `{"mlflow_colspec": [..]}`.
    pub fn schema(self, schema: impl Into<String>) -> Self {
        Self { schema: Some(schema.into()), ..self }
    }

    /// Figures of the data in JSON, such as `{"num_rows": 1599}`.
    pub fn profile(self, profile: impl Into<String>) -> Self {
        Self { profile: Some(profile.into()), ..self }
    }

    /// What the run used it for, such as `training` or `evaluation`.
    pub fn context(self, context: impl Into<String>) -> Self {
        Self { context: Some(context.into()), ..self }
    }

    /// With a further tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Checks name, digest and keys by MLflow's rules.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let check = || -> Result<(), NameError> {
            check_length(&self.name, "name", 500)?;
            check_length(&self.digest, "digest", 36)?;
            self.tags.keys().try_for_each(|key| check_length(key, "key of a tag", 255))
        };
        check().map_err(|error| Error::name("log the data set", &self.name, error))
    }

    /// The data set, and the tags with that of the context.
    pub(crate) fn into_parts(self) -> (Dataset, BTreeMap<String, String>) {
        let Self { name, digest, source_type, source, schema, profile, context, mut tags } = self;
        tags.extend(context.map(|context| (CONTEXT_TAG.to_owned(), context)));
        (Dataset { name, digest, source_type, source, schema, profile }, tags)
    }

    /// The reverse of [`into_parts`](Self::into_parts).
    pub(crate) fn from_parts(dataset: Dataset, mut tags: BTreeMap<String, String>) -> Self {
        let Dataset { name, digest, source_type, source, schema, profile } = dataset;
        let context = tags.remove(CONTEXT_TAG);
        Self { name, digest, source_type, source, schema, profile, context, tags }
    }
}

/// A data set as files and servers have it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Dataset {
    pub(crate) name: String,
    pub(crate) digest: String,
    #[serde(default)]
    source_type: String,
    #[serde(default)]
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::ErrorKind;

    fn wines(name: &str, digest: &str) -> DatasetInput {
        DatasetInput::new(name, digest, "local", "{}")
    }

    #[test]
    fn names_digests_and_keys_have_the_lengths_that_mlflow_takes() {
        let longest = wines(&"ä".repeat(500), &"f".repeat(36)).tag("k".repeat(255), "");
        longest.check().unwrap();
        for (input, reason) in [
            (wines("", "f"), "the name is empty"),
            (wines("wines", " "), "the digest is empty"),
            (wines("wines", "f").tag("", "v"), "the key of a tag is empty"),
            (
                wines("wines", &"f".repeat(37)),
                "the digest has 37 characters, at most 36 are allowed",
            ),
            (wines(&"w".repeat(501), "f"), "the name has 501 characters, at most 500 are allowed"),
            (
                wines("wines", "f").tag("k".repeat(256), ""),
                "the key of a tag has 256 characters, at most 255 are allowed",
            ),
        ] {
            let error = input.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName);
            assert_eq!(error.source().unwrap().to_string(), reason);
        }
    }

    #[test]
    fn the_context_is_a_tag_where_it_is_stored() {
        let input = wines("wines", "f").context("training").tag("part", "1");
        let (dataset, tags) = input.clone().into_parts();
        let expected = [("mlflow.data.context", "training"), ("part", "1")];
        assert!(tags.iter().map(|(key, value)| (&**key, &**value)).eq(expected));
        assert_eq!(DatasetInput::from_parts(dataset, tags), input);
    }
}
