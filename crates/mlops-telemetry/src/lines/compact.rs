//! One JSON object for a request.

use std::time::SystemTime;

use serde::ser::{Serialize, SerializeMap, Serializer};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::{LineWriter, Rows};
use crate::encode::{Form, MonitoringJson};
use crate::{Feedback, Inference, Privacy, Role};

/// RFC 3339 with microseconds, in UTC.
const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

pub(super) fn write(
    writer: &LineWriter,
    inference: &Inference,
    rows: &Rows,
    lines: &mut Vec<u8>,
) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *lines, &Line { writer, inference, rows })?;
    lines.push(b'\n');
    Ok(())
}

pub(super) fn write_feedback(
    writer: &LineWriter,
    feedback: &Feedback,
    lines: &mut Vec<u8>,
) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *lines, &FeedbackLine { writer, feedback })?;
    lines.push(b'\n');
    Ok(())
}

fn time(time: SystemTime) -> String {
    // A time that cannot be written is no reason to lose the line.
    OffsetDateTime::from(time).format(TIME).unwrap_or_default()
}

struct Line<'a> {
    writer: &'a LineWriter,
    inference: &'a Inference,
    rows: &'a Rows,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { writer, inference, rows } = self;
        let is_champion = inference.role == Role::Champion;
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("ts", &time(inference.time))?;
        line.serialize_entry("type", if is_champion { "inference" } else { "shadow" })?;
        line.serialize_entry("service_name", &writer.service_name)?;
        line.serialize_entry("request_id", &inference.request_id)?;
        if let Some(trace_id) = &inference.trace_id {
            line.serialize_entry("trace_id", trace_id)?;
        }
        line.serialize_entry("model", &*inference.model)?;
        line.serialize_entry("duration_us", &inference.duration.as_micros())?;
        if let Some((first_row, n_rows)) = rows.position() {
            line.serialize_entry("first_row", &first_row)?;
            line.serialize_entry("n_rows", &n_rows)?;
        }
        // The inputs stand in the champion's line.
        if is_champion && inference.records.n_rows() > 0 {
            let inputs = Inputs { inference, privacy: &writer.privacy };
            line.serialize_entry("inputs", &inputs)?;
        }
        line.serialize_entry("predictions", &inference.predictions)?;
        if let Some(probabilities) = inference.predictions.probabilities() {
            line.serialize_entry("probabilities", &probabilities)?;
        }
        let schema = inference.records.schema();
        let shown = writer.privacy.shown(schema);
        let monitoring = MonitoringJson {
            monitoring: &inference.monitoring,
            schema,
            form: Form::PerRow,
            shown: shown.as_deref(),
        };
        line.serialize_entry("monitoring", &monitoring)?;
        line.end()
    }
}

/// The rows as names of columns and an array of values per row.
struct Inputs<'a> {
    inference: &'a Inference,
    privacy: &'a Privacy,
}

impl Serialize for Inputs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let records = &self.inference.records;
        let features = records.schema().features();
        let is_kept = |name: &str| !self.privacy.drops(name);
        let columns: Vec<usize> =
            (0..features.len()).filter(|&column| is_kept(features[column].name())).collect();
        let names: Vec<&str> = columns.iter().map(|&column| features[column].name()).collect();
        let mut inputs = serializer.serialize_map(Some(2))?;
        inputs.serialize_entry("columns", &names)?;
        inputs.serialize_entry("data", &Data { inputs: self, columns: &columns })?;
        inputs.end()
    }
}

struct Data<'a> {
    inputs: &'a Inputs<'a>,
    columns: &'a [usize],
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.inputs.inference.records.rows();
        serializer.collect_seq(rows.map(|values| DataRow { data: self, values }))
    }
}

struct DataRow<'a> {
    data: &'a Data<'a>,
    values: &'a [f64],
}

impl Serialize for DataRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Data { inputs, columns } = self.data;
        let features = inputs.inference.records.schema().features();
        let cells = columns.iter().map(|&column| Cell {
            privacy: inputs.privacy,
            feature: &features[column],
            value: self.values[column],
        });
        serializer.collect_seq(cells)
    }
}

/// A value, or its hash where it must not be logged.
pub(super) struct Cell<'a> {
    pub(super) privacy: &'a Privacy,
    pub(super) feature: &'a mlops_core::Feature,
    pub(super) value: f64,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.privacy.hashed(self.feature, self.value) {
            Some(hash) => serializer.serialize_str(&hash),
            None => self.feature.to_json(self.value).serialize(serializer),
        }
    }
}

struct FeedbackLine<'a> {
    writer: &'a LineWriter,
    feedback: &'a Feedback,
}

impl Serialize for FeedbackLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { writer, feedback } = self;
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("ts", &time(feedback.time))?;
        line.serialize_entry("type", "feedback")?;
        line.serialize_entry("service_name", &writer.service_name)?;
        line.serialize_entry("request_id", &feedback.request_id)?;
        line.serialize_entry("row", &feedback.row)?;
        line.serialize_entry("label", &feedback.label)?;
        line.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::inference;
    use crate::{Event, LineFormat, RequestId};

    fn line(event: &Event, privacy: Privacy) -> String {
        let service_name = "Wine".to_owned();
        let writer = LineWriter { service_name, format: LineFormat::Compact, privacy };
        let mut lines = Vec::new();
        writer.append(event, &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_request_is_one_line() {
        let event = Event::Inference(Box::new(inference(&[9.4, 12.5])));
        insta::assert_snapshot!(line(&event, Privacy::default()), @r#"{"ts":"2022-01-12T15:06:40.007000Z","type":"inference","service_name":"Wine","request_id":"000000000000000000000000000000ff","model":{"name":"wines","version":"7"},"duration_us":123,"inputs":{"columns":["alcohol","is_red"],"data":[[9.4,1],[12.5,1]]},"predictions":[0,1],"probabilities":[0.47000000000000003,0.625],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":0},"p_value":{"alcohol":0.5875,"is_red":0.25}},"outliers":{"is_outlier":[0,1],"instance_score":[9.4,12.5]}}}"#);
    }

    #[test]
    fn what_must_not_be_logged_is_hashed_or_left_out() {
        let event = Event::Inference(Box::new(inference(&[9.4])));
        let privacy = Privacy::default().drop(["is_red"]).hash([1; 32], ["alcohol"]);
        insta::assert_snapshot!(line(&event, privacy), @r#"{"ts":"2022-01-12T15:06:40.007000Z","type":"inference","service_name":"Wine","request_id":"000000000000000000000000000000ff","model":{"name":"wines","version":"7"},"duration_us":123,"inputs":{"columns":["alcohol"],"data":[["6ac8c37ddc7a6cd6"]]},"predictions":[0],"probabilities":[0.47000000000000003],"monitoring":{"drift":{"threshold":0.05,"is_drift":{},"p_value":{}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}}}"#);
    }

    #[test]
    fn a_challenger_s_answer_has_no_inputs_of_its_own() {
        let mut shadow = inference(&[9.4]);
        shadow.role = Role::Challenger;
        shadow.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
        let event = Event::Inference(Box::new(shadow));
        insta::assert_snapshot!(line(&event, Privacy::default()), @r#"{"ts":"2022-01-12T15:06:40.007000Z","type":"shadow","service_name":"Wine","request_id":"000000000000000000000000000000ff","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","model":{"name":"wines","version":"7"},"duration_us":123,"predictions":[0],"probabilities":[0.47000000000000003],"monitoring":{"drift":{"threshold":0.05,"is_drift":{"alcohol":0,"is_red":0},"p_value":{"alcohol":0.5875,"is_red":0.25}},"outliers":{"is_outlier":[0],"instance_score":[9.4]}}}"#);
    }

    #[test]
    fn feedback_names_request_and_row() {
        let feedback = Feedback {
            time: SystemTime::UNIX_EPOCH,
            request_id: RequestId::new(255),
            row: 3,
            label: 1.0,
        };
        insta::assert_snapshot!(line(&Event::Feedback(feedback), Privacy::default()), @r#"{"ts":"1970-01-01T00:00:00.000000Z","type":"feedback","service_name":"Wine","request_id":"000000000000000000000000000000ff","row":3,"label":1.0}"#);
    }
}
