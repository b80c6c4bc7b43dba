//! What one line says.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use mlops_core::Schema;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::Line;
use super::non_finite::without_non_finite;
use super::recent::{Fingerprint, fingerprint};
use super::table::Table;
use super::values::{Cell, Outputs, PerRow};
use super::{LoggedFeedback, clock};
use crate::ModelVersion;

/// Why a line says nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It is none of ours.
    Foreign,
    /// It is one of ours, or JSON, and cannot be read.
    Malformed,
}

#[derive(Debug)]
pub(super) struct Message {
    /// The same for lines that were delivered twice.
    pub(super) fingerprint: Fingerprint,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Feedback(LoggedFeedback),
    Part(Box<Part>),
}

/// What a line says of a request.
#[derive(Debug)]
pub(super) struct Part {
    /// The request, and whose answer it is about.
    pub(super) request: Fingerprint,
    pub(super) request_id: String,
    pub(super) service_name: Option<String>,
    pub(super) is_shadow: bool,
    /// Where the rows begin, and how many the request has; `None` if the line is about all of them.
    pub(super) position: Option<(usize, usize)>,
    pub(super) content: Content,
}

/// What is known of some rows of a request, from one line or from several.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) lines: Lines,
    pub(super) time: Option<SystemTime>,
    pub(super) duration: Option<Duration>,
    pub(super) model: Option<ModelVersion>,
    pub(super) table: Option<Table>,
    pub(super) predictions: Option<Outputs>,
    pub(super) probabilities: Option<Outputs>,
    pub(super) outlier_scores: Option<Vec<f64>>,
    pub(super) outlier_flags: Option<Vec<f64>>,
    pub(super) p_values: BTreeMap<String, f64>,
}

/// Which of the three lines are there; a compact one is all of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Lines(u8);

impl Lines {
    const INPUT: Self = Self(1);
    const MONITORING: Self = Self(2);
    const OUTPUT: Self = Self(4);
    pub(super) const ALL: Self = Self(7);

    pub(super) fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

/// Reads the line that a service wrote.
pub(super) fn read(schema: &Schema, line: &Line<'_>) -> Result<Message, Fault> {
    let text = line.text.trim();
    let (json, time) = match text.strip_prefix('[') {
        None => (text, line.time),
        Some(rest) => {
            let (time, json) = rest.split_once("] INFO - ").ok_or(Fault::Foreign)?;
            (json, line.time.or_else(|| clock::original(time)))
        }
    };
    // Behind a brace, JSON has a quote of its own kind.
    let is_object = json.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'));
    if !is_object {
        return Err(Fault::Foreign);
    }
    if let Ok(object) = serde_json::from_str::<Object<'_>>(json) {
        return object.message(schema, time);
    }
    let json = without_non_finite(json).ok_or(Fault::Malformed)?;
    let object: Object<'_> = serde_json::from_str(&json).map_err(|_| Fault::Malformed)?;
    object.message(schema, time)
}

/// The fields of all kinds of lines, unread.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    #[serde(borrow)]
    service_name: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    duration_us: Option<&'a RawValue>,
    #[serde(borrow)]
    first_row: Option<&'a RawValue>,
    #[serde(borrow)]
    n_rows: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    predictions: Option<&'a RawValue>,
    #[serde(borrow)]
    probabilities: Option<&'a RawValue>,
    #[serde(borrow)]
    monitoring: Option<&'a RawValue>,
    #[serde(borrow)]
    row: Option<&'a RawValue>,
    #[serde(borrow)]
    label: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Inputs<'a> {
    columns: Vec<String>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Model {
    name: String,
    version: Option<String>,
}

#[derive(Default, Deserialize)]
struct Monitoring {
    drift: Option<Drift>,
    outliers: Option<Outliers>,
}

#[derive(Deserialize)]
struct Drift {
    p_value: Option<BTreeMap<String, Cell>>,
}

#[derive(Deserialize)]
struct Outliers {
    is_outlier: Option<PerRow>,
    instance_score: Option<PerRow>,
}

impl<'a> Object<'a> {
    fn message(self, schema: &Schema, time: Option<SystemTime>) -> Result<Message, Fault> {
        let kind: Option<Cow<'a, str>> = field(self.kind).map_err(|_| Fault::Foreign)?;
        let kind = kind.ok_or(Fault::Foreign)?;
        match &*kind {
            "inference" | "shadow" => self.part(schema, time, &kind, Lines::ALL),
            "input_data" => self.part(schema, time, &kind, Lines::INPUT),
            "monitoring_metrics" => self.part(schema, time, &kind, Lines::MONITORING),
            "output_data" => self.part(schema, time, &kind, Lines::OUTPUT),
            "feedback" => self.feedback(time),
            _ => Err(Fault::Foreign),
        }
    }

    fn part(
        self,
        schema: &Schema,
        time: Option<SystemTime>,
        kind: &str,
        lines: Lines,
    ) -> Result<Message, Fault> {
        let request_id = self.request_id()?;
        let service_name: Option<String> = field(self.service_name)?;
        let model: Option<Model> = field(self.model)?;
        let is_shadow = kind == "shadow";
        let position = match (field(self.first_row)?, field(self.n_rows)?) {
            (None, None) => None,
            (Some(first_row), Some(n_rows)) if first_row < n_rows => Some((first_row, n_rows)),
            _ => return Err(Fault::Malformed),
        };
        // Several challengers may answer one request.
        let shadow = model.as_ref().filter(|_| is_shadow);
        let request = fingerprint(&[
            service_name.as_deref(),
            Some(&request_id),
            shadow.map(|model| &*model.name),
            shadow.and_then(|model| model.version.as_deref()),
            is_shadow.then_some("shadow"),
        ]);
        let first_row = position.map(|(first_row, _): (usize, usize)| first_row.to_string());
        let fingerprint =
            fingerprint(&[Some(&hexadecimal(request)), Some(kind), first_row.as_deref()]);
        let monitoring: Monitoring = field(self.monitoring)?.unwrap_or_default();
        let (scores, flags) = monitoring
            .outliers
            .map_or((None, None), |outliers| (outliers.instance_score, outliers.is_outlier));
        let p_values = monitoring.drift.and_then(|drift| drift.p_value).unwrap_or_default();
        let p_values = p_values.into_iter().map(|(name, cell)| (name, cell.number()));
        let is_known = |(name, value): &(String, f64)| {
            schema.position(name).is_some() && (0.0..=1.0).contains(value)
        };
        let content = Content {
            lines,
            time: self.time()?.or(time),
            duration: field(self.duration_us)?.map(Duration::from_micros),
            model: model.map(|Model { name, version }| ModelVersion { name, version }),
            table: self.table(schema)?,
            predictions: field(self.predictions)?,
            probabilities: field(self.probabilities)?,
            outlier_scores: scores.map(|PerRow(scores)| scores),
            outlier_flags: flags.map(|PerRow(flags)| flags),
            p_values: p_values.filter(is_known).collect(),
        };
        let part = Part { request, request_id, service_name, is_shadow, position, content };
        Ok(Message { fingerprint, body: Body::Part(Box::new(part)) })
    }

    fn feedback(self, time: Option<SystemTime>) -> Result<Message, Fault> {
        let request_id = self.request_id()?;
        let raw = |value: Option<&'a RawValue>| value.map(RawValue::get);
        let fingerprint = fingerprint(&[
            raw(self.service_name),
            Some(&request_id),
            raw(self.row),
            raw(self.label),
            raw(self.ts),
            Some("feedback"),
        ]);
        let feedback = LoggedFeedback {
            time: self.time()?.or(time),
            service_name: field(self.service_name)?,
            request_id,
            row: field(self.row)?.ok_or(Fault::Malformed)?,
            label: field(self.label)?.ok_or(Fault::Malformed)?,
        };
        Ok(Message { fingerprint, body: Body::Feedback(feedback) })
    }

    fn request_id(&self) -> Result<String, Fault> {
        let id: Option<String> = field(self.request_id)?;
        id.filter(|id| !id.is_empty()).ok_or(Fault::Malformed)
    }

    /// The time that the line itself tells.
    fn time(&self) -> Result<Option<SystemTime>, Fault> {
        let text: Option<Cow<'a, str>> = field(self.ts)?;
        Ok(text.and_then(|text| clock::rfc_3339(&text)))
    }

    fn table(&self, schema: &Schema) -> Result<Option<Table>, Fault> {
        let table = if let Some(Inputs { columns, data }) = field(self.inputs)? {
            Table::from_data(schema, &columns, data)
        } else if let Some(value) = self.value {
            // JSON in a text, as the original service wrote it, or JSON.
            let text: Result<String, _> = serde_json::from_str(value.get());
            Table::from_objects(schema, text.as_deref().unwrap_or_else(|_| value.get()))
        } else {
            return Ok(None);
        };
        table.map(Some).map_err(|_| Fault::Malformed)
    }
}

/// Reads a field; `None` if it is null or not there.
fn field<'a, T: Deserialize<'a>>(value: Option<&'a RawValue>) -> Result<Option<T>, Fault> {
    let value = value.map(|value| serde_json::from_str(value.get())).transpose();
    value.map(Option::flatten).map_err(|_| Fault::Malformed)
}

fn hexadecimal(fingerprint: Fingerprint) -> String {
    format!("{:032x}", u128::from_be_bytes(fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::schema;

    fn read_text(text: &str) -> Result<Message, Fault> {
        read(&schema(), &Line { text: text.into(), time: None })
    }

    fn part(text: &str) -> Part {
        match read_text(text).unwrap().body {
            Body::Part(part) => *part,
            Body::Feedback(_) => panic!("{text}"),
        }
    }

    #[test]
    fn foreign_lines_are_told_from_malformed_ones() {
        let foreign = [
            "",
            "Serving on port 5000",
            "[2022-01-12 15:06:40,007] INFO - {'task': [1], 'result': {}}",
            "[2022-01-12 15:06:40,007] ERROR - {\"type\":\"input_data\"}",
            "{\"type\":\"request\",\"request_id\":5}",
            "{\"type\":5}",
            "{\"level\":\"info\"}",
            "{}",
        ];
        for line in foreign {
            assert_eq!(read_text(line).unwrap_err(), Fault::Foreign, "{line}");
        }
        let malformed = [
            r#"{"type":"inference""#,
            r#"{"type":"inference"}"#,
            r#"{"type":"inference","request_id":""}"#,
            r#"{"type":"inference","request_id":"a","first_row":0}"#,
            r#"{"type":"inference","request_id":"a","first_row":2,"n_rows":2}"#,
            r#"{"type":"inference","request_id":"a","first_row":-1,"n_rows":2}"#,
            r#"{"type":"inference","request_id":"a","predictions":["a"]}"#,
            r#"{"type":"inference","request_id":"a","duration_us":-1}"#,
            r#"{"type":"input_data","request_id":"a","value":"no JSON"}"#,
            r#"{"type":"feedback","request_id":"a","row":0}"#,
            r#"{"type":"feedback","request_id":"a","row":0,"label":"x"}"#,
        ];
        for line in malformed {
            assert_eq!(read_text(line).unwrap_err(), Fault::Malformed, "{line}");
        }
    }

    #[test]
    fn numbers_that_json_does_not_have_are_missing() {
        let line = r#"{"type":"output_data","request_id":"NaN \" Infinity","predictions":[NaN,1],"monitoring":{"outliers":{"instance_score":{"a":-Infinity,"b":0.5}},"drift":{"p_value":{"alcohol":NaN,"is_red":0.5}}}}"#;
        let Part { request_id, content, .. } = part(line);
        assert_eq!(request_id, "NaN \" Infinity");
        let predictions = content.predictions.unwrap().values;
        assert!(predictions[0].is_nan() && predictions[1] == 1.0);
        assert!(content.outlier_scores.unwrap()[0].is_nan());
        assert_eq!(content.p_values, BTreeMap::from([("is_red".to_owned(), 0.5)]));
    }

    #[test]
    fn each_model_s_answer_to_a_request_is_its_own() {
        let line = |kind: &str, version: u8| {
            let line = format!(
                r#"{{"type":"{kind}","request_id":"a","model":{{"name":"m","version":"{version}"}}}}"#
            );
            part(&line).request
        };
        assert_eq!(line("inference", 1), line("input_data", 2));
        assert_ne!(line("inference", 1), line("shadow", 1));
        assert_ne!(line("shadow", 1), line("shadow", 2));
    }

    #[test]
    fn the_line_s_own_time_goes_before_all_others() {
        let taken = clock::rfc_3339("2022-01-12T15:06:41Z");
        let read = |text: &str, time| {
            let message = read(&schema(), &Line { text: text.into(), time }).unwrap();
            match message.body {
                Body::Part(part) => part.content.time,
                Body::Feedback(feedback) => feedback.time,
            }
        };
        let compact = r#"{"ts":"2022-01-12T15:06:40Z","type":"inference","request_id":"a"}"#;
        assert_eq!(read(compact, taken), clock::rfc_3339("2022-01-12T15:06:40Z"));
        let original = r#"[2022-01-12 18:06:40,007] INFO - {"type":"input_data","request_id":"a"}"#;
        assert_eq!(read(original, taken), taken);
        assert_eq!(read(original, None), clock::rfc_3339("2022-01-12T18:06:40.007Z"));
        assert_eq!(read(r#"{"type":"input_data","request_id":"a"}"#, None), None);
    }
}
