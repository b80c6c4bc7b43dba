//! The three lines of the original service.

use std::time::SystemTime;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::compact::Cell;
use super::{LineWriter, Rows};
use crate::encode::{Form, MonitoringJson};
use crate::{Inference, Predictions, Privacy, RequestId};

/// The original's console format.
const PREFIX: &[FormatItem<'_>] = format_description!(
    "[[[year]-[month]-[day] [hour]:[minute]:[second],[subsecond digits:3]] INFO - "
);

pub(super) fn write(
    writer: &LineWriter,
    inference: &Inference,
    rows: &Rows,
    lines: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let schema = inference.records.schema();
    let shown = writer.privacy.shown(schema);
    let monitoring = MonitoringJson {
        monitoring: &inference.monitoring,
        schema,
        form: Form::Original,
        shown: shown.as_deref(),
    };
    let input = serde_json::to_string(&Input { inference, privacy: &writer.privacy })?;
    let prefix = prefix(inference.time);
    let (first_row, n_rows) = rows.position().unzip();
    let line = |kind| Line {
        service_name: &writer.service_name,
        r#type: kind,
        value: None,
        predictions: None,
        monitoring: None,
        request_id: inference.request_id,
        first_row,
        n_rows,
    };
    for line in [
        Line { value: Some(&input), ..line("input_data") },
        Line { monitoring: Some(monitoring), ..line("monitoring_metrics") },
        Line {
            predictions: Some(&inference.predictions),
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

fn prefix(time: SystemTime) -> String {
    // A time that cannot be written is no reason to lose the line.
    OffsetDateTime::from(time).format(PREFIX).unwrap_or_default()
}

/// One line of the log; the fields stand in this order, and the last two if a request takes several lines.
#[derive(Serialize)]
struct Line<'a> {
    service_name: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predictions: Option<&'a Predictions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monitoring: Option<MonitoringJson<'a>>,
    request_id: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_rows: Option<usize>,
}

/// The rows as an array of objects.
struct Input<'a> {
    inference: &'a Inference,
    privacy: &'a Privacy,
}

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.inference.records.rows();
        serializer.collect_seq(rows.map(|values| InputRow { input: self, values }))
    }
}

struct InputRow<'a> {
    input: &'a Input<'a>,
    values: &'a [f64],
}

impl Serialize for InputRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Input { inference, privacy } = self.input;
        let features = inference.records.schema().features();
        let mut row = serializer.serialize_map(None)?;
        for (feature, &value) in features.iter().zip(self.values) {
            if !privacy.drops(feature.name()) {
                row.serialize_entry(feature.name(), &Cell { privacy, feature, value })?;
            }
        }
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::inference;
    use crate::{Event, LineFormat};

    fn lines(privacy: Privacy) -> String {
        let service_name = "Wine".to_owned();
        let writer = LineWriter { service_name, format: LineFormat::Original, privacy };
        let mut lines = Vec::new();
        let event = Event::Inference(Box::new(inference(&[9.4])));
        writer.append(&event, &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_request_is_three_lines() {
        insta::assert_snapshot!(lines(Privacy::default()), @r#"
        [2022-01-12 15:06:40,007] INFO - {"service_name":"Wine","type":"input_data","value":"[{\"alcohol\":9.4,\"is_red\":1}]","request_id":"000000000000000000000000000000ff"}
        [2022-01-12 15:06:40,007] INFO - {"service_name":"Wine","type":"monitoring_metrics","monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":0},"p_value":{"alcohol":0.5875,"is_red":0.25}},"outliers":{"is_outlier":{"alcohol":0},"instance_score":{"alcohol":9.4}}},"request_id":"000000000000000000000000000000ff"}
        [2022-01-12 15:06:40,007] INFO - {"service_name":"Wine","type":"output_data","predictions":[0],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":0},"p_value":{"alcohol":0.5875,"is_red":0.25}},"outliers":{"is_outlier":{"alcohol":0},"instance_score":{"alcohol":9.4}}},"request_id":"000000000000000000000000000000ff"}
        "#);
    }

    #[test]
    fn what_must_not_be_logged_is_hashed_or_left_out() {
        let lines = lines(Privacy::default().drop(["is_red"]).hash([1; 32], ["alcohol"]));
        assert!(lines.contains(r#""value":"[{\"alcohol\":\""#), "{lines}");
        assert!(lines.contains(r#""p_value":{}"#), "{lines}");
        assert!(!lines.contains("9.4") || lines.contains(r#""instance_score":{"alcohol":9.4}"#));
    }
}
