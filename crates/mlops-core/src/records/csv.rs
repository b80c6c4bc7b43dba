use std::str;

use csv_core::ReadFieldResult;

use super::{Header, Records, RecordsBuilder, RecordsError, Stop, ViolationCode};
use crate::FeatureKind;

/// What programs write for a value that is missing.
const MISSING: [&str; 4] = ["", "NaN", "NA", "null"];

impl RecordsBuilder<'_> {
    /// Reads CSV with a line of names and a line for each row, and finishes.
    ///
    /// # Errors
    /// Those of [`Records::from_csv`].
    pub fn read_csv(mut self, body: &[u8]) -> Result<Records, RecordsError> {
        let mut cells = Cells::new(body);
        let outcome = self.read_cells(&mut cells);
        if let Err(Fault::Malformed) = outcome {
            return Err(RecordsError::MalformedCsv { line: cells.line });
        }
        self.finish()
    }

    fn read_cells(&mut self, cells: &mut Cells<'_>) -> Result<(), Fault> {
        let mut header = Header::new();
        while let Some(cell) = cells.next()? {
            header.push(self, cell.text)?;
            if cell.ends_line {
                header.end(self)?;
                break;
            }
        }
        let mut position = 0;
        while let Some(cell) = cells.next()? {
            if position == 0 {
                self.begin_row()?;
            }
            if let Some(column) = header.column(position) {
                self.select_column(column);
                self.cell(cell.text)?;
            }
            position += 1;
            if cell.ends_line {
                if position != header.len() {
                    self.refuse_row(ViolationCode::Length)?;
                }
                position = 0;
            }
        }
        Ok(())
    }

    /// Sets the value where the cursor stands, as CSV writes it.
    fn cell(&mut self, text: &str) -> Result<(), Stop> {
        let trimmed = text.trim_matches(' ');
        match self.kind() {
            Some(FeatureKind::Categorical { levels }) => {
                let is_level = levels.iter().any(|level| level == text);
                if !is_level && MISSING.contains(&trimmed) {
                    self.missing()
                } else {
                    self.text(text)
                }
            }
            _ if MISSING.contains(&trimmed) => self.missing(),
            _ => match trimmed.parse() {
                Ok(value) => self.number(value),
                Err(_) => self.refuse(ViolationCode::Type),
            },
        }
    }
}

/// Why the reading ends early.
enum Fault {
    Malformed,
    Stop,
}

impl From<Stop> for Fault {
    fn from(_: Stop) -> Self {
        Self::Stop
    }
}

/// One value of a line.
struct Cell<'c> {
    text: &'c str,
    ends_line: bool,
}

/// The values of a CSV file, one after the other, in memory for one of them.
struct Cells<'b> {
    reader: csv_core::Reader,
    rest: &'b [u8],
    buffer: Vec<u8>,
    // Where the last value began; lines are counted from 1.
    line: u64,
}

impl<'b> Cells<'b> {
    fn new(body: &'b [u8]) -> Self {
        Self { reader: csv_core::Reader::new(), rest: body, buffer: vec![0; 256], line: 1 }
    }

    fn next(&mut self) -> Result<Option<Cell<'_>>, Fault> {
        self.line = self.reader.line();
        let mut len = 0;
        let mut has_open_quote = false;
        let ends_line = loop {
            let (result, n_read, n_written) =
                self.reader.read_field(self.rest, &mut self.buffer[len..]);
            let (read, rest) = self.rest.split_at(n_read);
            self.rest = rest;
            len += n_written;
            has_open_quote = read.iter().fold(has_open_quote, |open, &byte| open ^ (byte == b'"'));
            match result {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => self.buffer.resize(2 * self.buffer.len(), 0),
                ReadFieldResult::Field { record_end } => break record_end,
                ReadFieldResult::End => return Ok(None),
            }
        };
        // Quotes of a value come in pairs; the reader itself takes the rest of the file for the value.
        if has_open_quote {
            return Err(Fault::Malformed);
        }
        let text = str::from_utf8(&self.buffer[..len]).map_err(|_| Fault::Malformed)?;
        Ok(Some(Cell { text, ends_line }))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::Arc;

    use super::*;
    use crate::{Feature, RecordsLimits, Schema};

    fn schema() -> Arc<Schema> {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("is_red"),
            Feature::categorical("region", ["Douro", "Vinho \"Verde\", Minho", "NA"]),
        ];
        Arc::new(Schema::new(features).unwrap())
    }

    fn read(body: &str) -> Result<Records, RecordsError> {
        let limits = RecordsLimits::default().max_rows(100);
        Records::from_csv(&schema(), body.as_bytes(), limits)
    }

    fn violations(body: &str) -> String {
        match read(body) {
            Err(RecordsError::Invalid(violations)) => {
                violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            other => panic!("expected violations, got {other:?}"),
        }
    }

    fn bits(records: &Records) -> Vec<u64> {
        records.values().iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn lines_are_read_as_the_same_rows_in_json_are() {
        let csv = "region,alcohol,is_red\r\nDouro,9.4,1\r\n\"Vinho \"\"Verde\"\", Minho\", 1e1 ,0.0\r\n\r\n,,NaN\nNA,NA,null";
        let json = r#"[{"alcohol":9.4,"is_red":1,"region":"Douro"},
            {"alcohol":10,"is_red":0,"region":"Vinho \"Verde\", Minho"},
            {"alcohol":null,"is_red":null,"region":null},
            {"alcohol":null,"is_red":null,"region":"NA"}]"#;
        let expected =
            Records::from_json(&schema(), json.as_bytes(), RecordsLimits::default()).unwrap();
        assert_eq!(bits(&read(csv).unwrap()), bits(&expected));
        assert_eq!(bits(&read(&format!("\u{feff}{csv}\n")).unwrap()), bits(&expected));
    }

    #[test]
    fn every_violation_is_named_by_row_and_field() {
        let csv =
            "alcohol,is_red,region\n9.4%,0.5,Alentejo\n1e400,true,Douro\ninf,1\n1,1,Douro,2\n";
        insta::assert_snapshot!(violations(csv), @"
        row 0, field `alcohol`: the value has the wrong type
        row 0, field `is_red`: expected a whole number
        row 0, field `region`: the value is none of the feature's levels
        row 1, field `alcohol`: the number is too large
        row 1, field `is_red`: the value has the wrong type
        row 2, field `alcohol`: the number is too large
        row 2, expected one value for each column
        row 3, expected one value for each column
        ");
    }

    #[test]
    fn the_header_names_every_feature_once() {
        insta::assert_snapshot!(violations("alcohol,colour,alcohol\n1,2,3\n"), @"
        field `colour`: the field is not in the schema
        field `alcohol`: the field stands twice
        field `is_red`: the field is missing; `null` stands for a missing value
        field `region`: the field is missing; `null` stands for a missing value
        ");
        insta::assert_snapshot!(violations(""), @"expected at least one row");
        insta::assert_snapshot!(violations("alcohol,is_red,region\n"), @"expected at least one row");
    }

    #[test]
    fn columns_that_are_not_the_schemas_are_passed_over_where_they_are_ignored() {
        let schema = schema();
        let builder = RecordsBuilder::new(&schema, RecordsLimits::default()).ignore_unknown();
        let records = builder.read_csv(b",region,alcohol,is_red,quality\n0,NA,9.4,1,5\n").unwrap();
        assert_eq!(records.row(0).to_vec(), [9.4, 1.0, 2.0]);
    }

    #[test]
    fn a_quote_that_is_left_open_and_what_is_not_utf8_is_malformed() {
        let malformed = |line| Err(RecordsError::MalformedCsv { line });
        let error =
            |body: &[u8]| Records::from_csv(&schema(), body, RecordsLimits::default()).map(|_| ());
        assert_eq!(
            error(b"alcohol,is_red,region\n1,1,Douro\n1,1,\"Douro\n1,1,Douro\n"),
            malformed(3)
        );
        assert_eq!(error(b"\"alcohol\",\"is_red,region"), malformed(1));
        assert_eq!(error(b"alcohol,is_red,region\n1,1,Dou\"ro\n"), malformed(2));
        assert_eq!(error(b"alcohol,is_red,region\n1,1,\xff\n"), malformed(2));
    }

    #[test]
    fn rows_above_the_limit_are_refused_before_they_are_read() {
        let body = format!("alcohol,is_red,region\n{}\"", "1,1,Douro\n".repeat(101));
        assert_eq!(read(&body).unwrap_err(), RecordsError::TooManyRows { limit: 100 });
    }

    #[test]
    fn a_value_may_be_longer_than_the_buffer() {
        let number = format!("1{}", "0".repeat(1000));
        let body = format!("alcohol,is_red,region\n{number}e-1000,1,Douro\n");
        assert_eq!(read(&body).unwrap().row(0)[0], 1.0);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let mut body = b"alcohol,is_red,region\n".to_vec();
            let _ = Records::from_csv(&schema(), &bytes, RecordsLimits::default());
            body.extend(bytes);
            let _ = Records::from_csv(&schema(), &body, RecordsLimits::default());
        }

        #[test]
        fn numbers_are_read_as_in_json(values in proptest::collection::vec(-3e38..3e38_f64, 1..20)) {
            let mut body = "is_red,region,alcohol\n".to_owned();
            for value in &values {
                writeln!(body, "1,Douro,{value:e}").unwrap();
            }
            let records = read(&body).unwrap();
            let read: Vec<u64> = records.column(0).iter().map(|value| value.to_bits()).collect();
            proptest::prop_assert_eq!(read, values.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }
}
