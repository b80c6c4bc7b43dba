use std::sync::Arc;

use mlops_core::{DriftReport, OutlierReport, Schema};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::dialect::PerRow;

/// What the service says about the rows of one request.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Answer {
    pub(crate) predictions: Predictions,
    pub(crate) monitoring: Monitoring,
}

impl Answer {
    /// The body of the response: the answer as the only element of an array.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&[self])
    }
}

/// Whether the model calls each row positive, written as 1 and 0.
#[derive(Debug)]
pub(crate) struct Predictions(pub(crate) Vec<bool>);

impl Serialize for Predictions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().map(u8::from))
    }
}

/// What the detectors say; a detector that the service does not have is left out.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Monitoring {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drift: Option<Part<DriftReport>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outliers: Option<Part<Outliers>>,
}

/// The outlier detector's report, and the names that stand for rows where the dialect wants some.
#[derive(Debug)]
pub(crate) struct Outliers {
    pub(crate) report: OutlierReport,
    pub(crate) row_names: Option<Arc<Schema>>,
}

/// A detector's report, or the statement that it failed.
#[derive(Debug)]
pub(crate) enum Part<T> {
    Available(T),
    Unavailable,
}

impl Serialize for Part<DriftReport> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::Available(report) = self else { return unavailable(serializer) };
        let mut object = serializer.serialize_struct("Drift", 3)?;
        object.serialize_field("threshold", &report.alpha)?;
        object.serialize_field("is_drift", &IsDrift(report))?;
        object.serialize_field("p_value", &PValues(report))?;
        object.end()
    }
}

impl Serialize for Part<Outliers> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::Available(Outliers { report, row_names }) = self else {
            return unavailable(serializer);
        };
        let names = row_names.as_deref();
        let is_outlier: Vec<u8> = report.is_outlier().map(u8::from).collect();
        let scores: Vec<f64> = report.scores().collect();
        let mut object = serializer.serialize_struct("Outliers", 2)?;
        object.serialize_field("is_outlier", &PerRow { values: &is_outlier, names })?;
        object.serialize_field("instance_score", &PerRow { values: &scores, names })?;
        object.end()
    }
}

fn unavailable<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("Unavailable", 1)?;
    object.serialize_field("status", "unavailable")?;
    object.end()
}

struct IsDrift<'a>(&'a DriftReport);

impl Serialize for IsDrift<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.features.iter().map(|feature| &feature.feature);
        serializer.collect_map(names.zip(self.0.is_below_alpha().map(|drift| drift.map(u8::from))))
    }
}

struct PValues<'a>(&'a DriftReport);

impl Serialize for PValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let features = self.0.features.iter();
        serializer.collect_map(features.map(|feature| (&feature.feature, feature.p_value)))
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{DriftStatus, DriftTest, FeatureDrift, PValueMethod};

    use super::*;

    #[test]
    fn an_answer_holds_numbers_in_schema_order() {
        let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
        let drift = DriftReport::new(
            0.05,
            vec![
                FeatureDrift::tested("pH", test, 0.5, 0.153_618_559_241_294_86, method),
                FeatureDrift::tested("alcohol", test, 1.0, 0.001, method),
                FeatureDrift::untested("density", test, DriftStatus::AllMissing),
            ],
        );
        let report = OutlierReport::new(0.1, vec![-0.08, 0.25]);
        let outliers = Outliers { report, row_names: None };
        let answer = Answer {
            predictions: Predictions(vec![true, false]),
            monitoring: Monitoring {
                drift: Some(Part::Available(drift)),
                outliers: Some(Part::Available(outliers)),
            },
        };
        let json = String::from_utf8(answer.to_json().unwrap()).unwrap();
        insta::assert_snapshot!(json, @r#"[{"predictions":[1,0],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"pH":0,"alcohol":1,"density":null},"p_value":{"pH":0.15361855924129486,"alcohol":0.001,"density":null}},"outliers":{"is_outlier":[0,1],"instance_score":[-0.08,0.25]}}}]"#);
    }

    #[test]
    fn a_detector_that_failed_is_said_to_be_unavailable_and_one_that_is_not_there_is_left_out() {
        let answer = Answer {
            predictions: Predictions(vec![]),
            monitoring: Monitoring { drift: Some(Part::Unavailable), outliers: None },
        };
        let json = String::from_utf8(answer.to_json().unwrap()).unwrap();
        insta::assert_snapshot!(json, @r#"[{"predictions":[],"monitoring":{"drift":{"status":"unavailable"}}}]"#);
    }
}
