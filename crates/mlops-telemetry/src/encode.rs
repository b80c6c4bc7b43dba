//! Results as JSON, in the words of the original service.

use mlops_core::{DriftReport, OutlierReport, Schema};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::{Monitoring, Part, Predictions};

impl Serialize for Predictions {
    /// The class of each row, or the number, or the numbers.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.classes {
            Some(classes) => serializer.collect_seq(classes),
            None => self.outputs().serialize(serializer),
        }
    }
}

impl Predictions {
    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.outputs.values.nrows()
    }

    /// The outputs as JSON: a number per row, or an array per row of a model with several outputs.
    pub fn outputs(&self) -> impl Serialize {
        Outputs(self)
    }

    /// The probabilities in the same form; `None` for a model that predicts numbers.
    pub fn probabilities(&self) -> Option<impl Serialize> {
        self.classes.is_some().then_some(Outputs(self))
    }
}

struct Outputs<'a>(&'a Predictions);

impl Serialize for Outputs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = &self.0.outputs.values;
        if values.ncols() == 1 {
            serializer.collect_seq(values)
        } else {
            serializer.collect_seq(values.rows().into_iter().map(|row| row.to_vec()))
        }
    }
}

/// Whose form results have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// Outlier results are arrays with one entry per row.
    #[default]
    PerRow,
    /// As in the original service: outlier results are objects in which the names of the features, in
    /// schema order, stand for the first rows. With two features, a third row has no result.
    Original,
}

/// What detectors said, of the features that may be shown, in one of the forms.
#[derive(Clone, Copy, Debug)]
pub struct MonitoringJson<'a> {
    pub(crate) monitoring: &'a Monitoring,
    pub(crate) schema: &'a Schema,
    pub(crate) form: Form,
    /// Which features may be shown, by column.
    pub(crate) shown: Option<&'a [bool]>,
}

impl Monitoring {
    /// The results as JSON: p-values by feature, scores by row.
    pub fn to_json<'a>(&'a self, schema: &'a Schema, form: Form) -> MonitoringJson<'a> {
        MonitoringJson { monitoring: self, schema, form, shown: None }
    }
}

impl Serialize for MonitoringJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Monitoring { drift, outliers } = self.monitoring;
        let n_parts = usize::from(drift.is_some()) + usize::from(outliers.is_some());
        let mut object = serializer.serialize_map(Some(n_parts))?;
        if let Some(part) = drift {
            object.serialize_entry("drift", &Drift { part, shown: self.shown })?;
        }
        if let Some(part) = outliers {
            let names = (self.form == Form::Original).then_some(self.schema);
            object.serialize_entry("outliers", &Outliers { part, names })?;
        }
        object.end()
    }
}

struct Drift<'a> {
    part: &'a Part<DriftReport>,
    shown: Option<&'a [bool]>,
}

impl Serialize for Drift<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Part::Available(report) = self.part else { return unavailable(serializer) };
        let names = report.features.iter().map(|feature| &*feature.feature);
        let is_drift = report.is_below_alpha().map(|drift| drift.map(u8::from));
        let p_values = report.features.iter().map(|feature| feature.p_value);
        let mut object = serializer.serialize_struct("Drift", 3)?;
        object.serialize_field("threshold", &report.alpha)?;
        let entries = names.clone().zip(is_drift);
        object.serialize_field("is_drift", &PerFeature { entries, shown: self.shown })?;
        let entries = names.zip(p_values);
        object.serialize_field("p_value", &PerFeature { entries, shown: self.shown })?;
        object.end()
    }
}

/// One value per feature that may be shown.
struct PerFeature<'a, I> {
    entries: I,
    shown: Option<&'a [bool]>,
}

impl<'n, V: Serialize, I: Clone + Iterator<Item = (&'n str, V)>> Serialize for PerFeature<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_shown = |column: usize| self.shown.is_none_or(|shown| shown[column]);
        let entries = self.entries.clone().enumerate();
        serializer.collect_map(entries.filter(|&(i, _)| is_shown(i)).map(|(_, entry)| entry))
    }
}

struct Outliers<'a> {
    part: &'a Part<OutlierReport>,
    names: Option<&'a Schema>,
}

impl Serialize for Outliers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Part::Available(report) = self.part else { return unavailable(serializer) };
        let (names, is_outlier) = (self.names, report.is_outlier().map(u8::from));
        let mut object = serializer.serialize_struct("Outliers", 2)?;
        object.serialize_field("is_outlier", &PerRow { values: is_outlier, names })?;
        object.serialize_field("instance_score", &PerRow { values: report.scores(), names })?;
        object.end()
    }
}

/// One value per row: an array, or an object whose keys are the names that stand for rows.
struct PerRow<'a, I> {
    values: I,
    names: Option<&'a Schema>,
}

impl<V: Serialize, I: Clone + Iterator<Item = V>> Serialize for PerRow<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.values.clone();
        match self.names {
            Some(names) => serializer.collect_map(names.names().zip(values)),
            None => serializer.collect_seq(values),
        }
    }
}

fn unavailable<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("Unavailable", 1)?;
    object.serialize_field("status", "unavailable")?;
    object.end()
}

#[cfg(test)]
mod tests {
    use mlops_core::{DriftStatus, DriftTest, FeatureDrift, PValueMethod, Prediction};
    use ndarray::array;

    use super::*;
    use crate::testing;

    fn monitoring() -> Monitoring {
        let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
        let drift = DriftReport::new(
            0.05,
            vec![
                FeatureDrift::tested("alcohol", test, 0.5, 0.153_618_559_241_294_86, method),
                FeatureDrift::untested("is_red", test, DriftStatus::AllMissing),
            ],
        );
        let outliers = OutlierReport::new(0.1, vec![-0.08, 0.25, 0.0]);
        Monitoring {
            drift: Some(Part::Available(drift)),
            outliers: Some(Part::Available(outliers)),
        }
    }

    fn json(form: Form) -> String {
        serde_json::to_string(&monitoring().to_json(&testing::schema(), form)).unwrap()
    }

    #[test]
    fn p_values_stand_by_feature_and_scores_by_row() {
        insta::assert_snapshot!(json(Form::PerRow), @r#"{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.15361855924129486,"is_red":null}},"outliers":{"is_outlier":[0,1,0],"instance_score":[-0.08,0.25,0.0]}}"#);
    }

    #[test]
    fn in_the_original_form_names_of_features_stand_for_the_first_rows() {
        let json = json(Form::Original);
        assert!(json.ends_with(r#""outliers":{"is_outlier":{"alcohol":0,"is_red":1},"instance_score":{"alcohol":-0.08,"is_red":0.25}}}"#), "{json}");
    }

    #[test]
    fn a_detector_that_failed_is_said_to_be_unavailable_and_one_that_is_not_there_is_left_out() {
        let monitoring = Monitoring { drift: Some(Part::Unavailable), outliers: None };
        let json = serde_json::to_string(&monitoring.to_json(&testing::schema(), Form::PerRow));
        assert_eq!(json.unwrap(), r#"{"drift":{"status":"unavailable"}}"#);
    }

    #[test]
    fn predictions_are_classes_or_else_the_outputs() {
        let json = |predictions: &Predictions| serde_json::to_string(predictions).unwrap();
        let classes = Predictions {
            classes: Some(vec![0, 2]),
            outputs: Prediction::new(array![[0.5, 0.25, 0.25], [0.0, 0.25, 0.75]]),
        };
        assert_eq!(json(&classes), "[0,2]");
        let probabilities = serde_json::to_string(&classes.probabilities()).unwrap();
        assert_eq!(probabilities, "[[0.5,0.25,0.25],[0.0,0.25,0.75]]");
        let numbers = Predictions::from(Prediction::single(vec![5.25, 6.0]));
        assert_eq!(json(&numbers), "[5.25,6.0]");
        assert!(numbers.probabilities().is_none());
    }
}
