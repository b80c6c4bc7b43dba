use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_core::{Correction, Feature, FeatureKind, Schema};
use serde::{Deserialize, Serialize};

use super::{Settings, TabularDrift};
use crate::reference::{FeatureReference, Reference, Scale};
use crate::{Alpha, Effect, Error};

const FORMAT: &str = "mlops_drift.tabular_drift";
const VERSION: u32 = 2;

/// What stands first in the file, in every version.
#[derive(Deserialize)]
struct Header {
    format: String,
    format_version: u32,
}

/// The file of version 2.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    format_version: u32,
    alpha: Alpha,
    correction: Correction,
    minimum_effect: Option<Effect>,
    /// The categories of the features that have some, whose values are positions in these lists.
    levels: BTreeMap<String, Vec<String>>,
    /// A file that was written by hand may be without.
    reference_id: Option<Arc<str>>,
    features: Vec<FeatureReference>,
}

impl TabularDrift {
    /// Writes the detector as JSON, without the schema.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, Records, Schema};
    /// use mlops_drift::{Error, TabularDrift};
    /// use ndarray::array;
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("pH")])?);
    /// let reference = Records::new(Arc::clone(&schema), array![[3.1], [3.2], [3.3]])?;
    /// let detector = TabularDrift::builder().fit(&reference)?;
    /// let json = detector.to_json();
    /// assert_eq!(TabularDrift::from_json(&json, Arc::clone(&schema))?, detector);
    ///
    /// let old = String::from_utf8(json)?.replace("\"format_version\":2", "\"format_version\":1");
    /// let error = TabularDrift::from_json(old.as_bytes(), schema).unwrap_err();
    /// assert_eq!(error, Error::FormatVersion { got: 1, expected: 2 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> Vec<u8> {
        let stored = Stored {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            alpha: self.settings.alpha,
            correction: self.settings.correction,
            minimum_effect: self.settings.minimum_effect,
            levels: levels(&self.schema),
            reference_id: Some(Arc::clone(self.reference.id())),
            features: self.reference.features().to_vec(),
        };
        // Numbers and texts only, of which none is infinite.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Reads a detector that [`to_json`](Self::to_json) wrote for the features of `schema`.
    ///
    /// # Errors
    /// * [`Error::Json`] if it is no JSON, or not of that form; also if a feature's values are not
    ///   finite and ascending with one positive count each
    /// * [`Error::UnknownFormat`] if it is something else
    /// * [`Error::FormatVersion`] if it is of another version
    /// * [`Error::FeatureMismatch`] if it has other features than the schema, or other categories
    /// * [`Error::ReferenceId`] if the values are not those that it was written with
    pub fn from_json(json: &[u8], schema: Arc<Schema>) -> Result<Self, Error> {
        let header: Header = serde_json::from_slice(json)?;
        if header.format != FORMAT {
            return Err(Error::UnknownFormat);
        }
        if header.format_version != VERSION {
            return Err(Error::FormatVersion { got: header.format_version, expected: VERSION });
        }
        let stored: Stored = serde_json::from_slice(json)?;
        let Stored { alpha, correction, minimum_effect, reference_id, features, .. } = stored;
        if !fits(&schema, &features) || stored.levels != levels(&schema) {
            return Err(Error::FeatureMismatch);
        }
        let settings = Settings { alpha, correction, minimum_effect, ..Settings::default() };
        let reference = Reference::new(features);
        if reference_id.is_some_and(|id| id != *reference.id()) {
            return Err(Error::ReferenceId);
        }
        Ok(Self { schema, settings, reference })
    }
}

/// The names of the categories of each categorical feature.
fn levels(schema: &Schema) -> BTreeMap<String, Vec<String>> {
    let levels = schema.features().iter().filter_map(|feature| match feature.kind() {
        FeatureKind::Categorical { levels } => Some((feature.name().to_owned(), levels.clone())),
        _ => None,
    });
    levels.collect()
}

/// Whether a reference has the features of a schema, on a scale that their kinds allow.
fn fits(schema: &Schema, features: &[FeatureReference]) -> bool {
    let is_fitting = |(feature, reference): (&Feature, &FeatureReference)| {
        let is_categorical = reference.scale() == Scale::Categorical;
        let allows = match feature.kind() {
            FeatureKind::Categorical { levels } => {
                let is_level = |value: &f64| {
                    value.fract() == 0.0 && (0.0..levels.len() as f64).contains(value)
                };
                is_categorical && reference.values().iter().all(is_level)
            }
            FeatureKind::Integer => true,
            _ => !is_categorical,
        };
        feature.name() == reference.name() && allows
    };
    schema.len() == features.len() && schema.features().iter().zip(features).all(is_fitting)
}

#[cfg(test)]
mod tests {
    use mlops_core::Records;
    use ndarray::array;

    use super::*;

    fn schema() -> Arc<Schema> {
        let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red")];
        Arc::new(Schema::new(features).unwrap())
    }

    fn detector() -> TabularDrift {
        let values = array![[9.4, 1.0], [0.1 + 0.2, 0.0], [f64::NAN, 0.0]];
        let reference = Records::new(schema(), values).unwrap();
        TabularDrift::builder()
            .alpha(Alpha::new(0.01).unwrap())
            .correction(Correction::BenjaminiHochberg)
            .minimum_effect(Effect::new(0.1).unwrap())
            .categorical(["is_red"])
            .fit(&reference)
            .unwrap()
    }

    #[test]
    fn a_detector_is_written_as_values_and_counts() {
        let json = detector().to_json();
        assert_eq!(TabularDrift::from_json(&json, schema()).unwrap(), detector());
        insta::assert_snapshot!(
            String::from_utf8(json).unwrap(),
            @r#"{"format":"mlops_drift.tabular_drift","format_version":2,"alpha":0.01,"correction":"benjamini_hochberg","minimum_effect":0.1,"levels":{},"reference_id":"ee95de5dc61f8e73dde1cce5a43e5415","features":[{"feature":"alcohol","scale":"numeric","n_missing":1,"values":[0.30000000000000004,9.4],"counts":[1,1]},{"feature":"is_red","scale":"categorical","n_missing":0,"values":[0.0,1.0],"counts":[2,1]}]}"#
        );
    }

    #[test]
    fn categories_must_be_those_of_the_schema() {
        let schema = |names: [&str; 2]| {
            Arc::new(Schema::new(vec![Feature::categorical("region", names)]).unwrap())
        };
        let minho = schema(["Douro", "Minho"]);
        let rows = Records::new(Arc::clone(&minho), array![[0.0], [1.0]]).unwrap();
        let detector = TabularDrift::builder().fit(&rows).unwrap();
        let json = detector.to_json();
        TabularDrift::from_json(&json, Arc::clone(&minho)).unwrap();
        let numeric = Arc::new(Schema::new(vec![Feature::numeric("region")]).unwrap());
        let between = String::from_utf8(json.clone()).unwrap().replace("[0.0,1.0]", "[0.0,0.5]");
        let id = format!("\"reference_id\":\"{}\",", detector.reference_id());
        let between = between.replace(&id, "");
        let read = TabularDrift::from_json(between.as_bytes(), Arc::clone(&minho));
        assert_eq!(read, Err(Error::FeatureMismatch));
        for other in [schema(["Minho", "Douro"]), schema(["Douro", "Dao"]), numeric] {
            assert_eq!(TabularDrift::from_json(&json, other), Err(Error::FeatureMismatch));
        }
    }

    #[test]
    fn a_file_that_promises_something_else_is_refused() {
        let text = String::from_utf8(detector().to_json()).unwrap();
        let read = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            let changed = text.replace(from, to);
            TabularDrift::from_json(changed.as_bytes(), schema()).unwrap_err()
        };
        let version = |got| Error::FormatVersion { got, expected: 2 };
        assert_eq!(read("\"format_version\":2", "\"format_version\":1"), version(1));
        assert_eq!(read("\"format_version\":2", "\"format_version\":3"), version(3));
        assert_eq!(read("mlops_drift.tabular_drift", "pickle"), Error::UnknownFormat);
        assert_eq!(read("\"feature\":\"is_red\"", "\"feature\":\"pH\""), Error::FeatureMismatch);
        assert_eq!(read("9.4", "9.5"), Error::ReferenceId);
        assert_eq!(read("\"n_missing\":1", "\"n_missing\":2"), Error::ReferenceId);
        let without = text.replace("\"reference_id\":\"ee95de5dc61f8e73dde1cce5a43e5415\",", "");
        assert_eq!(TabularDrift::from_json(without.as_bytes(), schema()).unwrap(), detector());
        for (from, to) in [
            ("0.30000000000000004,9.4", "9.4,0.3"),
            ("\"counts\":[2,1]", "\"counts\":[2,0]"),
            ("\"counts\":[2,1]", "\"counts\":[2]"),
            ("\"n_missing\":1", "\"n_missing\":9223372036854775807"),
            ("\"alpha\":0.01", "\"alpha\":1.0"),
            ("\"minimum_effect\":0.1", "\"minimum_effect\":-1"),
            ("\"minimum_effect\":0.1", "\"minimum_efect\":0.1"),
            ("benjamini_hochberg", "wishful"),
            ("9.4", "1e999"),
            ("]}", ""),
        ] {
            assert!(matches!(read(from, to), Error::Json { .. }), "{from} {to}");
        }
        let error = read("\"counts\":[2,1]", "\"counts\":[2,0]").to_string();
        insta::assert_snapshot!(error, @"line 1, column 394 of the stored detector: the stored values of feature `is_red` are not ascending with one positive count each, or too many");
    }
}
