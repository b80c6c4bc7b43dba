use std::collections::VecDeque;
use std::io::Read;

use csv::StringRecord;
use mlops_telemetry::rfc_3339;

use super::{LabelError, RowLabel};
use crate::lines::{LineRules, Lines, cells};

/// Reads a table of labels: CSV as RFC 4180 describes it, a line with the names of the columns and a line for each row.
///
/// | column | |
/// |---|---|
/// | `request_id` | the name of the request |
/// | `row` | the row of the request, counted from 0 |
/// | `label` | the class, counted from 0, or the number that was to be predicted; empty, `NaN` or infinite, it is no label, and [`LabelJoin`](super::LabelJoin) counts it as such |
/// | `time` | when it was known, as RFC 3339 writes it, with its offset from UTC; it may be empty, and the column need not be there |
///
/// Columns stand in any order, and others among them are passed over. So are spaces around values, and lines without any
/// character.
///
/// It is an iterator of labels. Behind a row that is wrong it goes on with the next one. Behind an open quote, a row of more
/// than 16 MiB or an error of the input it ends, and rows shortly before may not have come out. It holds a few thousand
/// rows at a time.
///
/// # Examples
/// ```
/// use mlops_pipeline::labels::LabelCsv;
///
/// let table = "wine,request_id,row,label,time\nRabelo,a1,0,1,2026-03-08T09:00:00Z\nGalo,a1,first,0,\n";
/// let mut labels = LabelCsv::new(table.as_bytes())?;
/// let label = labels.next().ok_or("a row")??;
/// assert_eq!((&*label.request_id, label.row, label.label), ("a1", 0, 1.0));
/// let error = labels.next().ok_or("a row")?.unwrap_err();
/// assert_eq!(error.to_string(), "line 3, column `row`: expected a whole number from 0 on");
/// assert!(labels.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LabelCsv<R> {
    lines: Lines<R>,
    columns: Columns,
    // What was read and not given out.
    ready: VecDeque<Result<RowLabel, LabelError>>,
    is_over: bool,
}

/// So many rows are read at once.
const BATCH_ROWS: usize = 4096;

impl<R: Read> LabelCsv<R> {
    /// Reads the names of the columns.
    ///
    /// # Errors
    /// * [`LabelError::Read`] if the input cannot be read
    /// * [`LabelError::NoHeader`] if it is empty
    /// * [`LabelError::Header`], [`LabelError::OpenQuote`] or [`LabelError::RowLength`] if its first line is not CSV
    /// * [`LabelError::MissingColumn`] without `request_id`, `row` or `label`
    /// * [`LabelError::DuplicateColumn`] if one of the four columns is there twice
    pub fn new(input: R) -> Result<Self, LabelError> {
        let mut lines = Lines::new(input, LineRules::Csv);
        let first = lines.next(b"", 1)?.ok_or(LabelError::NoHeader)?;
        let columns = Columns::find(&cells(first.row(0)).ok_or(LabelError::Header)?)?;
        Ok(Self { lines, columns, ready: VecDeque::new(), is_over: false })
    }
}

impl<R: Read> Iterator for LabelCsv<R> {
    type Item = Result<RowLabel, LabelError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(label) = self.ready.pop_front() {
                return Some(label);
            }
            if self.is_over {
                return None;
            }
            match self.lines.next(b"", BATCH_ROWS) {
                Ok(Some(batch)) => {
                    let label = |row| self.columns.label(batch.row(row), batch.line(row));
                    self.ready.extend((0..batch.n_rows()).map(label));
                }
                Ok(None) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error.into()));
                }
            }
        }
    }
}

/// Where the columns stand.
#[derive(Clone, Copy, Debug)]
struct Columns {
    width: usize,
    request_id: usize,
    row: usize,
    label: usize,
    time: Option<usize>,
}

impl Columns {
    fn find(names: &StringRecord) -> Result<Self, LabelError> {
        let find = |column| {
            let mut found = names.iter().enumerate().filter(|(_, name)| name.trim() == column);
            let first = found.next().map(|(position, _)| position);
            match found.next() {
                None => Ok(first),
                Some(_) => Err(LabelError::DuplicateColumn { column }),
            }
        };
        let require = |column| find(column)?.ok_or(LabelError::MissingColumn { column });
        Ok(Self {
            width: names.len(),
            request_id: require("request_id")?,
            row: require("row")?,
            label: require("label")?,
            time: find("time")?,
        })
    }

    /// Reads the row that begins at `line`.
    fn label(&self, row: &[u8], line: u64) -> Result<RowLabel, LabelError> {
        let cells = cells(row).ok_or(LabelError::Row { line })?;
        if cells.len() != self.width {
            return Err(LabelError::Width { line, got: cells.len(), expected: self.width });
        }
        let fault = |column, expected| move || LabelError::Value { line, column, expected };
        let cell = |column: usize| cells[column].trim();
        let request_id = Some(cell(self.request_id)).filter(|name| !name.is_empty());
        let request_id = request_id.ok_or_else(fault("request_id", "the name of a request"))?;
        let row = cell(self.row).parse().ok();
        let row = row.ok_or_else(fault("row", "a whole number from 0 on"))?;
        let label = number(cell(self.label)).ok_or_else(fault("label", "a number"))?;
        let time = match self.time.map(cell).filter(|time| !time.is_empty()) {
            Some(time) => Some(rfc_3339(time).ok_or_else(fault("time", "a time as in RFC 3339"))?),
            None => None,
        };
        Ok(RowLabel { time, ..RowLabel::new(request_id, row, label) })
    }
}

/// Reads a number; NaN where there is no text.
fn number(text: &str) -> Option<f64> {
    if text.is_empty() { Some(f64::NAN) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io;
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    /// The labels of a table, or what is wrong, with what it is made of.
    fn read(table: &str) -> Vec<Result<RowLabel, String>> {
        match LabelCsv::new(table.as_bytes()) {
            Ok(labels) => labels.map(|label| label.map_err(|error| error.to_string())).collect(),
            Err(error) => vec![Err(error.to_string())],
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }

    fn errors(table: &str) -> String {
        let errors: Vec<String> = read(table).into_iter().filter_map(Result::err).collect();
        errors.join("\n")
    }

    #[test]
    fn columns_are_found_by_name_and_others_are_passed_over() {
        let time = UNIX_EPOCH + Duration::from_millis(1_642_000_000_007);
        let expected =
            [Ok(RowLabel::new("a, \"1\"", 0, 1.0).time(time)), Ok(RowLabel::new("b", 12, -0.5))];
        let tables = [
            "request_id,row,label,time\n\"a, \"\"1\"\"\",0,1,2022-01-12T15:06:40.007Z\nb,12,-5e-1,\n",
            "\u{feff}note,time,label,row,request_id\r\n\"two\r\nlines\",2022-01-12T16:06:40.007+01:00, 1.0 ,0,\"a, \"\"1\"\"\"\r\n\r\n,,-0.5,12, b",
            "label , \t row,request_id,time\n1, 0 ,\"a, \"\"1\"\"\", 2022-01-12T15:06:40.007Z \n-.5,012,b, \n",
        ];
        for table in tables {
            assert_eq!(read(table), expected, "{table}");
        }
        let [Ok(label)] = &read("request_id,row,label\na,0,1\n")[..] else { panic!("a label") };
        assert_eq!(label.time, None);
        assert!(read("request_id,row,label\n").is_empty());
    }

    #[test]
    fn what_is_no_finite_number_is_left_to_the_join() {
        let labels = read("request_id,row,label\na,0,\na,1,NaN\na,2,-inf\n");
        let labels: Vec<f64> = labels.into_iter().map(|label| label.unwrap().label).collect();
        assert!(labels[0].is_nan() && labels[1].is_nan() && labels[2] == f64::NEG_INFINITY);
    }

    #[test]
    fn a_table_without_its_columns_is_refused() {
        insta::assert_snapshot!(errors("\n\n"), @"the file is empty, expected a line with the names of the columns");
        insta::assert_snapshot!(errors("request_id;row;label\n"), @"the file has no column `request_id`, expected `request_id`, `row` and `label` between commas");
        insta::assert_snapshot!(errors("request_id,label\n"), @"the file has no column `row`, expected `request_id`, `row` and `label` between commas");
        insta::assert_snapshot!(errors("row,request_id,label,time,time\n"), @"the file has two columns `time`");
        insta::assert_snapshot!(errors("\"row"), @"line 1: a quote is left open");
        let not_utf_8 = LabelCsv::new(&b"request_id,row,label,\xFF\n"[..]).unwrap_err();
        assert!(matches!(not_utf_8, LabelError::Header), "{not_utf_8}");
    }

    #[test]
    fn a_bad_row_is_named_by_line_and_column_and_others_follow() {
        let table = "\
            request_id,row,label,time\n\
            a,0,1,\n\
            ,0,1,\n\
            a,-1,1,\n\
            a,1.5,1,\n\
            a,99999999999999999999,1,\n\
            \"a\n\n\",0,secret,\n\
            a,0,1,2022-01-12\n\
            a,0,1\n\
            a,0,1,,\n\
            a,1,0,\n";
        let labels = read(table);
        assert_eq!(labels.first(), Some(&Ok(RowLabel::new("a", 0, 1.0))));
        assert_eq!(labels.last(), Some(&Ok(RowLabel::new("a", 1, 0.0))));
        insta::assert_snapshot!(errors(table), @r"
        line 3, column `request_id`: expected the name of a request
        line 4, column `row`: expected a whole number from 0 on
        line 5, column `row`: expected a whole number from 0 on
        line 6, column `row`: expected a whole number from 0 on
        line 7, column `label`: expected a number
        line 10, column `time`: expected a time as in RFC 3339
        line 11: 3 values, expected 4
        line 12: 5 values, expected 4
        ");
        let mut labels = LabelCsv::new(&b"request_id,row,label\n\xFF,0,1\na,0,1\n"[..]).unwrap();
        assert!(matches!(labels.next(), Some(Err(LabelError::Row { line: 2 }))));
        assert_eq!(labels.next().unwrap().unwrap(), RowLabel::new("a", 0, 1.0));
    }

    #[test]
    fn an_open_quote_and_an_error_of_the_input_end_the_table() {
        let mut labels = read("request_id,row,label\na,0,1\n\"a,1,1\na,2,1\n");
        assert_eq!(labels.pop(), Some(Err("line 3: a quote is left open".to_owned())));
        assert!(labels.into_iter().all(|label| label.unwrap().row == 0));

        let table = format!("request_id,row,label\n{}", "a,0,1\n".repeat(20_000));
        let mut labels = LabelCsv::new(table.as_bytes().chain(Broken)).unwrap();
        let error = labels.by_ref().find_map(Result::err).unwrap();
        assert_eq!(error.to_string(), "the labels cannot be read");
        assert!(
            matches!(error, LabelError::Read(error) if error.kind() == io::ErrorKind::TimedOut)
        );
        assert!(labels.next().is_none());
    }

    #[test]
    fn a_table_may_be_long_and_a_row_may_not() {
        let mut table = "request_id,row,label\n".to_owned();
        for row in 0..10_000 {
            writeln!(table, "a,{row},1").unwrap();
        }
        let labels = read(&table);
        assert!(labels.into_iter().map(|label| label.unwrap().row).eq(0..10_000));
        let endless = b"request_id,row,label\n\"".chain(io::repeat(b'\n'));
        let error = LabelCsv::new(endless).unwrap().next().unwrap().unwrap_err();
        assert!(matches!(error, LabelError::RowLength { line: 2, .. }), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_labels_or_errors(bytes: Vec<u8>) {
            let table = [b"request_id,row,label,time\na,0,1,\n", &bytes[..]].concat();
            let mut labels = LabelCsv::new(&table[..]).unwrap();
            prop_assert!(labels.by_ref().count() <= bytes.len() + 2);
            prop_assert!(labels.next().is_none());
        }
    }
}
