use mlops_core::{Feature, FeatureKind, Records};
use serde::ser::{Serialize, Serializer};

use crate::request_id::RequestId;
use crate::response::{Answer, Monitoring, Part, Predictions};

/// A request that was answered: what came in and what went out.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) request_id: RequestId,
    pub(crate) records: Records,
    pub(crate) answer: Answer,
}

impl Event {
    /// The number of lines of an event.
    pub(crate) const N_LINES: u64 = 3;

    /// The memory that the event holds, in bytes.
    pub(crate) fn size(&self) -> usize {
        let n_scores = match &self.answer.monitoring.outliers {
            Some(Part::Available(report)) => report.scores.len(),
            _ => 0,
        };
        let n_predictions = self.answer.predictions.0.len();
        let n_features = self.records.schema().len();
        // A feature's drift takes about as much as its name and five numbers.
        let fixed = size_of::<Self>() + 64 * n_features;
        fixed + 8 * self.records.n_rows() * n_features + 8 * n_scores + n_predictions
    }

    /// Writes the input, the monitoring and the output, each as one JSON object on its own line.
    pub(super) fn append_to(
        &self,
        lines: &mut Vec<u8>,
        service_name: &str,
    ) -> serde_json::Result<()> {
        let input = serde_json::to_string(&Rows(&self.records))?;
        let Answer { predictions, monitoring } = &self.answer;
        let line = |kind| Line {
            service_name,
            r#type: kind,
            value: None,
            predictions: None,
            monitoring: None,
            request_id: self.request_id,
        };
        for line in [
            Line { value: Some(&input), ..line("input_data") },
            Line { monitoring: Some(monitoring), ..line("monitoring_metrics") },
            Line {
                predictions: Some(predictions),
                monitoring: Some(monitoring),
                ..line("output_data")
            },
        ] {
            serde_json::to_writer(&mut *lines, &line)?;
            lines.push(b'\n');
        }
        Ok(())
    }
}

/// One line of the log; the fields stand in this order.
#[derive(serde::Serialize)]
struct Line<'a> {
    service_name: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predictions: Option<&'a Predictions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monitoring: Option<&'a Monitoring>,
    request_id: RequestId,
}

/// Records as an array of objects, in schema order.
struct Rows<'a>(&'a Records);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let features = self.0.schema().features();
        serializer.collect_seq(self.0.rows().map(|values| Row { features, values }))
    }
}

struct Row<'a> {
    features: &'a [Feature],
    values: &'a [f64],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.features.iter().zip(self.values);
        serializer.collect_map(
            cells.map(|(feature, &value)| (feature.name(), Value { kind: feature.kind(), value })),
        )
    }
}

/// A value as requests write it: a level by its name, a whole number without a point.
struct Value<'a> {
    kind: &'a FeatureKind,
    value: f64,
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.value.is_nan() {
            return serializer.serialize_none();
        }
        #[expect(clippy::cast_possible_truncation, reason = "what is not exact is not used")]
        let integer = self.value as i64;
        let is_exact = integer.unsigned_abs() < 1 << f64::MANTISSA_DIGITS;
        match self.kind {
            FeatureKind::Categorical { levels } => usize::try_from(integer)
                .ok()
                .and_then(|level| levels.get(level))
                .serialize(serializer),
            FeatureKind::Integer if is_exact => serializer.serialize_i64(integer),
            _ => serializer.serialize_f64(self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlops_core::{Feature, JsonLimits, Schema};

    use super::*;
    use crate::testing::event;

    #[test]
    fn an_event_is_three_lines() {
        let mut lines = Vec::new();
        let mut event = event();
        event.request_id = RequestId::of(255);
        event.append_to(&mut lines, "WineQualityService").unwrap();
        insta::assert_snapshot!(String::from_utf8(lines).unwrap(), @r#"
        {"service_name":"WineQualityService","type":"input_data","value":"[{\"alcohol\":9.4,\"is_red\":1}]","request_id":"000000000000000000000000000000ff"}
        {"service_name":"WineQualityService","type":"monitoring_metrics","monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.5875,"is_red":null}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}},"request_id":"000000000000000000000000000000ff"}
        {"service_name":"WineQualityService","type":"output_data","predictions":[0],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.5875,"is_red":null}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}},"request_id":"000000000000000000000000000000ff"}
        "#);
    }

    #[test]
    fn values_are_written_as_requests_write_them() {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("year"),
            Feature::categorical("region", ["Douro", "Minho \"Verde\""]),
        ];
        let schema = Arc::new(Schema::new(features).unwrap());
        let body = br#"[{"year":2020.0,"region":"Minho \"Verde\"","alcohol":9},{"alcohol":null,"region":null,"year":null},{"alcohol":-0.5,"region":"Douro","year":1e20}]"#;
        let records = Records::from_json(&schema, body, JsonLimits::default()).unwrap();
        let json = serde_json::to_string(&Rows(&records)).unwrap();
        insta::assert_snapshot!(json, @r#"[{"alcohol":9.0,"year":2020,"region":"Minho \"Verde\""},{"alcohol":null,"year":null,"region":null},{"alcohol":-0.5,"year":1e+20,"region":"Douro"}]"#);
        let again = Records::from_json(&schema, json.as_bytes(), JsonLimits::default()).unwrap();
        let bits =
            |records: &Records| records.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&again), bits(&records));
    }
}
