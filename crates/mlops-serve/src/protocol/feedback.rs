//! Labels as JSON: an object of `request_id`, `row` and `label`, or a list of such objects.

use std::fmt;

use mlops_core::RecordsError;
use mlops_telemetry::{Feedback, RequestId};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::problem::Problem;

/// Reads at most `limit` labels.
pub(crate) fn read(body: &[u8], limit: usize) -> Result<Vec<Feedback>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut reader = Reader { limit, labels: Vec::new(), are_too_many: false };
    let outcome = reader.deserialize(&mut json).and_then(|()| json.end());
    match outcome {
        Ok(()) => Ok(reader.labels),
        Err(_) if reader.are_too_many => Err(Problem::TooManyRows { limit }),
        Err(error) if error.is_data() => Err(Problem::MalformedFeedback),
        Err(error) => Err(Problem::MalformedJson(RecordsError::MalformedJson {
            line: error.line(),
            column: error.column(),
        })),
    }
}

struct Reader {
    limit: usize,
    labels: Vec<Feedback>,
    are_too_many: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Reader {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label or a list of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.labels.push(LabelVisitor.visit_map(map)?);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(Label(label)) = list.next_element()? {
            if self.labels.len() == self.limit {
                self.are_too_many = true;
                return Err(A::Error::custom("too many"));
            }
            self.labels.push(label);
        }
        Ok(())
    }
}

struct Label(Feedback);

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelVisitor).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    RequestId,
    Row,
    Label,
}

struct LabelVisitor;

impl<'de> Visitor<'de> for LabelVisitor {
    type Value = Feedback;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of `request_id`, `row` and `label`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Feedback, A::Error> {
        let (mut request_id, mut row, mut label) = (None, None, None);
        while let Some(key) = map.next_key()? {
            let is_new = match key {
                Key::RequestId => request_id.replace(map.next_value::<RequestId>()?).is_none(),
                Key::Row => row.replace(map.next_value::<usize>()?).is_none(),
                Key::Label => label.replace(map.next_value::<f64>()?).is_none(),
            };
            if !is_new {
                return Err(A::Error::custom("a field stands twice"));
            }
        }
        match (request_id, row, label) {
            (Some(request_id), Some(row), Some(label)) => Ok(Feedback::new(request_id, row, label)),
            _ => Err(A::Error::custom("a field is missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "000000000000000000000000000000ff";

    #[test]
    fn labels_are_read_one_or_many_up_to_the_limit() {
        let label = format!(r#"{{"label":1,"row":2,"request_id":"{ID}"}}"#);
        let n_read = |body: &str| read(body.as_bytes(), 2).map(|labels| labels.len());
        assert_eq!(n_read(&label), Ok(1));
        assert_eq!(n_read("[]"), Ok(0));
        assert_eq!(n_read(&format!("[{label},{label}]")), Ok(2));
        let three = format!("[{label},{label},{label}]");
        assert_eq!(n_read(&three), Err(Problem::TooManyRows { limit: 2 }));
        let read = &read(label.as_bytes(), 1).unwrap()[0];
        assert_eq!((read.request_id.as_str(), read.row, read.label), (ID, 2, 1.0));
    }

    #[test]
    fn nonsense_is_refused() {
        for body in ["", "[", "[] []", "[]]", "NaN"] {
            let refused = read(body.as_bytes(), 9);
            assert!(matches!(refused, Err(Problem::MalformedJson(_))), "{body}: {refused:?}");
        }
        for body in [
            "7",
            r#"{"row":2,"label":1}"#,
            r#"[["000000000000000000000000000000ff",0,1]]"#,
            r#"{"request_id":"000000000000000000000000000000ff","row":0,"row":0,"label":1}"#,
            r#"{"request_id":"000000000000000000000000000000ff","row":0,"label":1,"user":"x"}"#,
            r#"{"request_id":"ff","row":0,"label":1}"#,
        ] {
            assert_eq!(read(body.as_bytes(), 9), Err(Problem::MalformedFeedback), "{body}");
        }
    }
}
