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
/// It is an iterator of labels. Behind a row that cannot be read it goes on with the next one; behind any other error it
/// ends. It holds a few thousand rows at a time, and no row may have more than 16 MiB.
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
