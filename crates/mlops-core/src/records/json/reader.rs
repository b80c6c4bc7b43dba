use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::records::{Records, RecordsBuilder, RecordsError, ViolationCode};

/// The words with which `serde_json` refuses a number beyond 64 bits; it has no kind for it.
const NUMBER_OUT_OF_RANGE: &str = "number out of range";

impl RecordsBuilder<'_> {
    /// Reads a JSON array of objects, one per row, and finishes.
    ///
    /// # Errors
    /// Those of [`Records::from_json`].
    pub fn read_json(mut self, body: &[u8]) -> Result<Records, RecordsError> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let element = Element { builder: &mut self, place: Place::Body };
        let outcome = element.deserialize(&mut json).and_then(|()| json.end());
        self.finish_json(outcome)
    }

    /// What reads a JSON value to where the cursor stands; `null` is a missing value.
    pub fn json_value(&mut self) -> impl for<'de> DeserializeSeed<'de, Value = ()> {
        Element { builder: self, place: Place::Value }
    }

    /// Reads the fields of a JSON object to the row where the cursor stands.
    ///
    /// # Errors
    /// Those of `fields`, and one that stands for [`Stop`](crate::Stop).
    pub fn json_fields<'de, A: MapAccess<'de>>(&mut self, mut fields: A) -> Result<(), A::Error> {
        self.begin_fields();
        while let Some(name) = fields.next_key_seed(Name(self))? {
            match name {
                Ok(column) if self.begin_field(column) => {
                    fields.next_value_seed(self.json_value())?;
                }
                Ok(_) => {
                    fields.next_value::<IgnoredAny>()?;
                    self.refuse(ViolationCode::Duplicate).map_err(Error::custom)?;
                }
                Err(foreign) => {
                    fields.next_value::<IgnoredAny>()?;
                    self.refuse_unknown(self.row(), &foreign).map_err(Error::custom)?;
                }
            }
        }
        self.end_fields().map_err(Error::custom)
    }

    /// The records, after the reading of JSON has ended with `outcome`.
    ///
    /// # Errors
    /// Those of [`finish`](Self::finish), and [`RecordsError::MalformedJson`]. A number beyond 64 bits is a violation.
    pub fn finish_json(mut self, outcome: serde_json::Result<()>) -> Result<Records, RecordsError> {
        if let Err(error) = outcome
            && !self.is_stopped()
        {
            if !error.to_string().starts_with(NUMBER_OUT_OF_RANGE) {
                let (line, column) = (error.line(), error.column());
                return Err(RecordsError::MalformedJson { line, column });
            }
            // The reading has ended, whether this says to stop or not.
            let _ = self.refuse(ViolationCode::NonFinite);
        }
        self.finish()
    }
}

/// A place in the body and what may stand there: the body is an array of rows, a row an object of values.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Body,
    Row,
    Value,
}

/// Reads what stands at a place; what may not stand there is noted and passed over.
struct Element<'r, 'a> {
    builder: &'r mut RecordsBuilder<'a>,
    place: Place,
}

impl Element<'_, '_> {
    fn wrong_type<E: Error>(self) -> Result<(), E> {
        self.builder.refuse(ViolationCode::Type).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.place == Place::Row {
            self.builder.begin_row().map_err(D::Error::custom)?;
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
        let builder = self.builder;
        while rows
            .next_element_seed(Element { builder: &mut *builder, place: Place::Row })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        if self.place != Place::Row {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return self.wrong_type();
        }
        self.builder.json_fields(fields)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.builder.number(value).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.builder.text(text).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.wrong_type()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.builder.missing().map_err(E::custom)
    }
}

/// Reads a key as the column it names, or as the foreign name that it is.
struct Name<'r, 'a>(&'r RecordsBuilder<'a>);

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

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.position(name).ok_or_else(|| name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Feature, RecordsLimits, Schema};

    fn schema() -> Arc<Schema> {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("is_red"),
            Feature::categorical("region", ["Douro", "Minho"]),
        ];
        Arc::new(Schema::new(features).unwrap())
    }

    fn read(body: &str) -> Result<Records, RecordsError> {
        let limits = RecordsLimits::default().max_rows(100);
        Records::from_json(&schema(), body.as_bytes(), limits)
    }

    fn violations(body: &str) -> String {
        match read(body) {
            Err(RecordsError::Invalid(violations)) => {
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
            assert!(matches!(read(body), Err(RecordsError::MalformedJson { .. })), "{body:.20}");
        }
        let not_utf8 = Records::from_json(&schema(), b"[{\"\xff\":1}]", RecordsLimits::default());
        assert!(matches!(not_utf8, Err(RecordsError::MalformedJson { .. })));
    }

    #[test]
    fn rows_above_the_limit_are_refused_before_they_are_read() {
        let row = r#"{"alcohol":1,"is_red":1,"region":"Douro"},"#;
        let body = format!("[{}{{}}]", row.repeat(100));
        assert_eq!(read(&body).unwrap_err(), RecordsError::TooManyRows { limit: 100 });
    }

    #[test]
    fn the_list_of_violations_is_bounded_and_foreign_names_are_cut() {
        let body = format!("[{}0]", "1,".repeat(99));
        let Err(RecordsError::Invalid(found)) = read(&body) else { panic!("accepted") };
        assert_eq!(found.len(), 32);
        let name = "x".repeat(1000);
        let text = violations(&format!(r#"[{{"{name}":1,"alcohol":1,"is_red":1,"region":null}}]"#));
        assert!(text.len() < 120, "{text}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = Records::from_json(&schema(), &bytes, RecordsLimits::default());
        }

        #[test]
        fn numbers_are_read_as_python_reads_them(value in -3e38..3e38_f64) {
            let body = format!(r#"[{{"alcohol":{value:e},"is_red":1,"region":null}}]"#);
            proptest::prop_assert_eq!(read(&body).unwrap().row(0)[0].to_bits(), value.to_bits());
        }
    }
}
