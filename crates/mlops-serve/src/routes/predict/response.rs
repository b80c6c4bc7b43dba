use mlops_core::{Contributions, DriftReport, DriftTest, OutlierReport, Reason};
use mlops_telemetry::{ModelVersion, Part};
use ndarray::Axis;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::protocol::Answer;
use crate::scoring::Explanation;

/// The body of an answer.
pub(super) struct Body<'a>(pub(super) &'a Answer);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Answer { request_id, scorer, records, predictions, explanation, monitoring } = self.0;
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("request_id", request_id)?;
        let digest = scorer.model().digest.as_deref();
        body.serialize_entry("model", &ModelJson { version: scorer.version(), sha256: digest })?;
        body.serialize_entry("predictions", predictions)?;
        if let Some(probabilities) = predictions.probabilities() {
            body.serialize_entry("probabilities", &probabilities)?;
        }
        let names = scorer.schema().names().collect::<Vec<_>>();
        if let Some(explanation) = explanation {
            body.serialize_entry("explanation", &ExplanationJson { explanation, names: &names })?;
        }
        let drift = monitoring.drift.as_ref();
        let outliers = monitoring.outliers.as_ref();
        let n_rows = records.n_rows();
        body.serialize_entry(
            "monitoring",
            &MonitoringJson {
                drift: drift
                    .map(|part| PartJson::of(part, |report| DriftJson::of(report, &names, n_rows))),
                outliers: outliers.map(|part| PartJson::of(part, OutliersJson::of)),
            },
        )?;
        body.end()
    }
}

#[derive(Serialize)]
struct ModelJson<'a> {
    #[serde(flatten)]
    version: &'a ModelVersion,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
}

#[derive(Serialize)]
struct MonitoringJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<PartJson<DriftJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outliers: Option<PartJson<OutliersJson<'a>>>,
}

/// A report, or the statement that there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum PartJson<T> {
    Report(T),
    None { status: &'static str },
}

impl<T> PartJson<T> {
    fn of<'a, R>(part: &'a Part<R>, json: impl FnOnce(&'a R) -> T) -> Self {
        part.report()
            .map_or(Self::None { status: "unavailable" }, |report| Self::Report(json(report)))
    }
}

/// The rows of a request against the training rows; one or two rows carry no evidence.
#[derive(Serialize)]
struct DriftJson<'a> {
    scope: &'static str,
    n: usize,
    threshold: f64,
    test: Named<'a, &'a DriftTest>,
    p_value: Named<'a, Option<f64>>,
    is_drift: Named<'a, Option<u8>>,
}

impl<'a> DriftJson<'a> {
    fn of(report: &'a DriftReport, names: &'a [&'a str], n: usize) -> Self {
        let features = || report.features.iter();
        let is_drift = report.is_below_alpha().map(|is_drift| is_drift.map(u8::from));
        Self {
            scope: "request",
            n,
            threshold: report.alpha,
            test: Named { names, values: features().map(|feature| &feature.test).collect() },
            p_value: Named { names, values: features().map(|feature| feature.p_value).collect() },
            is_drift: Named { names, values: is_drift.collect() },
        }
    }
}

/// One entry per row.
#[derive(Serialize)]
struct OutliersJson<'a> {
    threshold: Option<f64>,
    is_outlier: Vec<u8>,
    instance_score: Vec<f64>,
    /// Among the scores of the training rows.
    percentile: Vec<Option<f64>>,
    /// What makes outliers of those that are.
    reasons: Vec<ReasonsJson<'a>>,
}

impl<'a> OutliersJson<'a> {
    fn of(report: &'a OutlierReport) -> Self {
        Self {
            // JSON has no infinity.
            threshold: Some(report.threshold).filter(|threshold| threshold.is_finite()),
            is_outlier: report.is_outlier().map(u8::from).collect(),
            instance_score: report.scores().collect(),
            percentile: report.rows.iter().map(|row| row.percentile).collect(),
            reasons: report.rows.iter().map(|row| ReasonsJson(&row.reasons)).collect(),
        }
    }
}

/// Why each row has its results.
struct ExplanationJson<'a> {
    explanation: &'a Explanation,
    names: &'a [&'a str],
}

impl Serialize for ExplanationJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Explanation { prediction, outliers } = self.explanation;
        let mut object = serializer.serialize_map(None)?;
        if let Some(contributions) = prediction {
            let names = self.names;
            object.serialize_entry("prediction", &PredictionJson { contributions, names })?;
        }
        if let Some(reasons) = outliers {
            let rows: Vec<ReasonsJson<'_>> = reasons.iter().map(|row| ReasonsJson(row)).collect();
            object.serialize_entry("outliers", &rows)?;
        }
        object.end()
    }
}

/// Base values and contributions add up to the outputs of the model, in its units.
struct PredictionJson<'a> {
    contributions: &'a Contributions,
    names: &'a [&'a str],
}

impl Serialize for PredictionJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Contributions { base_values, values, .. } = self.contributions;
        let rows: Vec<_> = values
            .axis_iter(Axis(0))
            .map(|row| {
                let outputs = row.axis_iter(Axis(0)).map(|output| output.to_vec());
                outputs.map(|values| Named { names: self.names, values }).collect::<Vec<_>>()
            })
            .collect();
        let mut object = serializer.serialize_map(Some(2))?;
        object.serialize_entry("base_values", base_values)?;
        object.serialize_entry("contributions", &rows)?;
        object.end()
    }
}

/// Values by the names of features.
struct Named<'a, T> {
    names: &'a [&'a str],
    values: Vec<T>,
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(&self.values))
    }
}

/// What makes a row abnormal, by feature.
struct ReasonsJson<'a>(&'a [Reason]);

impl Serialize for ReasonsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|reason| (&reason.feature, reason.contribution)))
    }
}
