use std::fmt;
use std::sync::Arc;

use ndarray::Array2;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{JsonError, JsonLimits, Violation, ViolationCode};
use crate::records::{Records, is_finite_f32};
use crate::{FeatureKind, Schema};

/// More violations than this are not collected.
const MAX_VIOLATIONS: usize = 32;
/// Names that are not the schema's are cut after so many characters.
const MAX_FOREIGN_NAME: usize = 64;
/// The words with which `serde_json` refuses a number beyond 64 bits; it has no kind for it.
const NUMBER_OUT_OF_RANGE: &str = "number out of range";

pub(in crate::records) fn read(
    schema: &Arc<Schema>,
    body: &[u8],
    limits: JsonLimits,
) -> Result<Records, JsonError> {
    let mut reader = Reader::new(schema, limits);
    let mut json = serde_json::Deserializer::from_slice(body);
    let body = Element { reader: &mut reader, place: Place::Body };
    let outcome = body.deserialize(&mut json).and_then(|()| json.end());
    if reader.too_many_rows {
        return Err(JsonError::TooManyRows { limit: limits.max_rows });
    }
    if let Err(error) = outcome
        && !reader.stopped
    {
        if !error.to_string().starts_with(NUMBER_OUT_OF_RANGE) {
            return Err(JsonError::Syntax { line: error.line(), column: error.column() });
        }
        let field = reader.field.map(|column| schema.features()[column].name().to_owned());
        reader.violate(field, ViolationCode::NonFinite);
    }
    if !reader.violations.is_empty() {
        return Err(JsonError::Invalid(reader.violations));
    }
    let shape = (reader.values.len() / schema.len(), schema.len());
    Array2::from_shape_vec(shape, reader.values)
        .map(|values| Records::from_checked(Arc::clone(schema), values))
        .map_err(|_| JsonError::Syntax { line: 0, column: 0 })
}

/// What is known while a body is read: the values so far and where the reading stands.
struct Reader<'a> {
    schema: &'a Schema,
    limits: JsonLimits,
    values: Vec<f64>,
    seen: Vec<bool>,
    violations: Vec<Violation>,
    row: Option<usize>,
    field: Option<usize>,
    too_many_rows: bool,
    stopped: bool,
}

impl<'a> Reader<'a> {
    fn new(schema: &'a Schema, limits: JsonLimits) -> Self {
        Self {
            schema,
            limits,
            values: Vec::new(),
            seen: vec![false; schema.len()],
            violations: Vec::new(),
            row: None,
            field: None,
            too_many_rows: false,
            stopped: false,
        }
    }

    fn violate(&mut self, field: Option<String>, code: ViolationCode) {
        self.violations.push(Violation { row: self.row, field, code });
    }

    /// Notes what is wrong with the current field, or stops the reading when there is enough to say.
    fn refuse<E: serde::de::Error>(
        &mut self,
        field: Option<String>,
        code: ViolationCode,
    ) -> Result<(), E> {
        self.violate(field, code);
        if self.violations.len() < MAX_VIOLATIONS { Ok(()) } else { Err(self.stop()) }
    }

    fn stop<E: serde::de::Error>(&mut self) -> E {
        self.stopped = true;
        E::custom("stopped")
    }

    /// Opens the next row, in which every value is missing.
    fn begin_row<E: serde::de::Error>(&mut self) -> Result<(), E> {
        let row = self.row.map_or(0, |row| row + 1);
        if row == self.limits.max_rows {
            self.too_many_rows = true;
            return Err(self.stop());
        }
        self.row = Some(row);
        self.values.resize(self.values.len() + self.schema.len(), f64::NAN);
        self.seen.fill(false);
        self.field = None;
        Ok(())
    }

    /// Closes a row: notes the fields that did not stand in it.
    fn end_row<E: serde::de::Error>(&mut self) -> Result<(), E> {
        for column in 0..self.schema.len() {
            if !self.seen[column] {
                let field = self.schema.features()[column].name().to_owned();
                self.refuse(Some(field), ViolationCode::Missing)?;
            }
        }
        Ok(())
    }

    /// Sets a value of the open row.
    fn set(&mut self, column: usize, value: f64) {
        let start = self.values.len() - self.schema.len();
        self.values[start + column] = value;
    }

    /// The column of `name`; fields mostly stand in schema order, so the next one is tried first.
    fn position(&self, name: &str) -> Option<usize> {
        let next = self.field.map_or(0, |column| column + 1);
        match self.schema.features().get(next) {
            Some(feature) if feature.name() == name => Some(next),
            _ => self.schema.position(name),
        }
    }
}

/// A place in the body and what may stand there: the body is an array of rows, a row an object of values.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Body,
    Row,
    Value { column: usize },
}

/// Reads what stands at a place; what may not stand there is noted and passed over.
struct Element<'r, 'a> {
    reader: &'r mut Reader<'a>,
    place: Place,
}

impl Element<'_, '_> {
    fn wrong_type<E: serde::de::Error>(self) -> Result<(), E> {
        self.refuse(ViolationCode::Type)
    }

    fn refuse<E: serde::de::Error>(self, code: ViolationCode) -> Result<(), E> {
        let field = match self.place {
            Place::Value { column } => {
                Some(self.reader.schema.features()[column].name().to_owned())
            }
            Place::Body | Place::Row => None,
        };
        self.reader.refuse(field, code)
    }

    fn number<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        let Place::Value { column } = self.place else { return self.wrong_type() };
        match self.reader.schema.features()[column].kind() {
            FeatureKind::Categorical { .. } => self.wrong_type(),
            _ if !is_finite_f32(value) => self.refuse(ViolationCode::NonFinite),
            FeatureKind::Integer if value.fract() != 0.0 => self.refuse(ViolationCode::NotInteger),
            _ => {
                self.reader.set(column, value);
                Ok(())
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.place == Place::Row {
            self.reader.begin_row()?;
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        if self.place != Place::Body {
            while rows.next_element::<IgnoredAny>()?.is_some() {}
            return self.wrong_type();
        }
        let reader = self.reader;
        while rows.next_element_seed(Element { reader: &mut *reader, place: Place::Row })?.is_some()
        {
        }
        if reader.row.is_none() { reader.refuse(None, ViolationCode::Empty) } else { Ok(()) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        if self.place != Place::Row {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return self.wrong_type();
        }
        let reader = self.reader;
        while let Some(name) = fields.next_key_seed(Name(reader))? {
            match name {
                Ok(column) if reader.seen[column] => {
                    fields.next_value::<IgnoredAny>()?;
                    let field = reader.schema.features()[column].name().to_owned();
                    reader.refuse(Some(field), ViolationCode::Duplicate)?;
                }
                Ok(column) => {
                    reader.field = Some(column);
                    reader.seen[column] = true;
                    fields.next_value_seed(Element {
                        reader: &mut *reader,
                        place: Place::Value { column },
                    })?;
                }
                Err(foreign) => {
                    fields.next_value::<IgnoredAny>()?;
                    reader.refuse(Some(foreign), ViolationCode::Unknown)?;
                }
            }
        }
        reader.end_row()
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let Place::Value { column } = self.place else { return self.wrong_type() };
        let FeatureKind::Categorical { levels } = self.reader.schema.features()[column].kind()
        else {
            return self.wrong_type();
        };
        match levels.iter().position(|level| level == text) {
            Some(level) => {
                self.reader.set(column, level as f64);
                Ok(())
            }
            None => self.refuse(ViolationCode::UnknownLevel),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.wrong_type()
    }

    /// `null`: a missing value; rows start out with all values missing.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        if matches!(self.place, Place::Value { .. }) { Ok(()) } else { self.wrong_type() }
    }
}

/// Reads a key as the column it names, or as the foreign name that it is.
struct Name<'r, 'a>(&'r Reader<'a>);

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.position(name).ok_or_else(|| name.chars().take(MAX_FOREIGN_NAME).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Feature;

    fn schema() -> Arc<Schema> {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("is_red"),
            Feature::categorical("region", ["Douro", "Minho"]),
        ];
        Arc::new(Schema::new(features).unwrap())
    }

    fn read(body: &str) -> Result<Records, JsonError> {
        super::read(&schema(), body.as_bytes(), JsonLimits::default().max_rows(100))
    }

    fn violations(body: &str) -> String {
        match read(body) {
            Err(JsonError::Invalid(violations)) => {
                violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            other => panic!("expected violations, got {other:?}"),
        }
    }

    #[test]
    fn rows_are_read_in_schema_order_whatever_the_order_of_keys() {
        let records = read(
            r#"[{"region":"Minho","is_red":1.0,"alcohol":9.4},{"alcohol":-0.0,"is_red":null,"region":"Douro"}]"#,
        );
        let records = records.unwrap();
        assert_eq!(records.row(0).to_vec(), [9.4, 1.0, 1.0]);
        assert!(records.row(1)[1].is_nan());
    }

    #[test]
    fn every_violation_is_named_by_row_and_field() {
        let body = r#"[{"alcohol":"9.4","is_red":0.5,"region":"Alentejo"},
            {"alcohol":1e39,"alcohol":2,"colour":[{}],"is_red":true},
            [9.4,1,"Douro"], null, {"alcohol":{"a":1},"is_red":[1],"region":3}]"#;
        insta::assert_snapshot!(violations(body), @"
        row 0, field `alcohol`: the value has the wrong type
        row 0, field `is_red`: expected a whole number
        row 0, field `region`: the value is none of the feature's levels
        row 1, field `alcohol`: the number is too large
        row 1, field `alcohol`: the field stands twice
        row 1, field `colour`: the field is not in the schema
        row 1, field `is_red`: the value has the wrong type
        row 1, field `region`: the field is missing; `null` stands for a missing value
        row 2, expected an object with the fields of a row
        row 3, expected an object with the fields of a row
        row 4, field `alcohol`: the value has the wrong type
        row 4, field `is_red`: the value has the wrong type
        row 4, field `region`: the value has the wrong type
        ");
    }

    #[test]
    fn a_body_of_the_wrong_shape_is_a_violation_without_row() {
        insta::assert_snapshot!(violations("[]"), @"expected at least one row");
        insta::assert_snapshot!(violations(r#"{"alcohol":1}"#), @"expected an array of objects, one per row");
        insta::assert_snapshot!(violations("7"), @"expected an array of objects, one per row");
        insta::assert_snapshot!(violations("null"), @"expected an array of objects, one per row");
    }

    #[test]
    fn a_number_beyond_64_bits_is_a_violation_and_no_syntax_error() {
        let body = r#"[{"alcohol":1,"is_red":0,"region":null},{"alcohol":1e400,"is_red":0,"region":null}]"#;
        insta::assert_snapshot!(violations(body), @"row 1, field `alcohol`: the number is too large");
    }

    #[test]
    fn what_is_not_json_is_a_syntax_error() {
        let deep = "[".repeat(100_000);
        for body in [
            "",
            "[",
            "[{]",
            "NaN",
            "[{\"alcohol\":NaN}]",
            "[] []",
            "\u{feff}[]",
            "[{\"alcohol\":01}]",
            &deep,
        ] {
            assert!(matches!(read(body), Err(JsonError::Syntax { .. })), "{body:.20}");
        }
        let not_utf8 = super::read(&schema(), b"[{\"\xff\":1}]", JsonLimits::default());
        assert!(matches!(not_utf8, Err(JsonError::Syntax { .. })));
    }

    #[test]
    fn rows_above_the_limit_are_refused_before_they_are_read() {
        let row = r#"{"alcohol":1,"is_red":1,"region":"Douro"},"#;
        let body = format!("[{}{{}}]", row.repeat(100));
        assert_eq!(read(&body).unwrap_err(), JsonError::TooManyRows { limit: 100 });
    }

    #[test]
    fn the_list_of_violations_is_bounded_and_foreign_names_are_cut() {
        let body = format!("[{}0]", "1,".repeat(99));
        let Err(JsonError::Invalid(found)) = read(&body) else { panic!("accepted") };
        assert_eq!(found.len(), MAX_VIOLATIONS);
        let name = "x".repeat(1000);
        let text = violations(&format!(r#"[{{"{name}":1,"alcohol":1,"is_red":1,"region":null}}]"#));
        assert!(text.len() < 120, "{text}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = super::read(&schema(), &bytes, JsonLimits::default());
        }

        #[test]
        fn numbers_are_read_as_python_reads_them(value in -3e38..3e38_f64) {
            let body = format!(r#"[{{"alcohol":{value:e},"is_red":1,"region":null}}]"#);
            proptest::prop_assert_eq!(read(&body).unwrap().row(0)[0].to_bits(), value.to_bits());
        }
    }
}
