use std::time::SystemTime;

use mlops_core::Records;

use crate::Dialect;
use crate::request_id::RequestId;
use crate::response::{Answer, Monitoring, Part, Predictions};

/// A request that was answered: what came in and what went out.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) time: SystemTime,
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
            Some(Part::Available(outliers)) => outliers.report.rows.len(),
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
        dialect: Dialect,
    ) -> serde_json::Result<()> {
        let input = serde_json::to_string(&self.records)?;
        let prefix = dialect.line_prefix(self.time);
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
            lines.extend(prefix.bytes());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;

    #[test]
    fn the_original_dialect_marks_every_line() {
        let mut lines = Vec::new();
        event().append_to(&mut lines, "WineQualityService", Dialect::Seed).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let prefix = "[1970-01-01 00:00:00,000] INFO - {\"service_name\":\"WineQualityService\",";
        assert_eq!(lines.lines().filter(|line| line.starts_with(prefix)).count(), 3, "{lines}");
    }

    #[test]
    fn an_event_is_three_lines() {
        let mut lines = Vec::new();
        let mut event = event();
        event.request_id = RequestId::of(255);
        event.append_to(&mut lines, "WineQualityService", Dialect::Native).unwrap();
        insta::assert_snapshot!(String::from_utf8(lines).unwrap(), @r#"
        {"service_name":"WineQualityService","type":"input_data","value":"[{\"alcohol\":9.4,\"is_red\":1}]","request_id":"000000000000000000000000000000ff"}
        {"service_name":"WineQualityService","type":"monitoring_metrics","monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.5875,"is_red":null}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}},"request_id":"000000000000000000000000000000ff"}
        {"service_name":"WineQualityService","type":"output_data","predictions":[0],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":null},"p_value":{"alcohol":0.5875,"is_red":null}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}},"request_id":"000000000000000000000000000000ff"}
        "#);
    }
}
