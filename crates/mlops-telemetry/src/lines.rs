mod compact;
mod original;

use std::ops::Range;
use std::sync::Arc;

use mlops_core::{OutlierReport, Prediction};
use ndarray::s;

use crate::{Event, Feedback, Inference, Monitoring, Part, Predictions, Privacy, Role};

/// How an event becomes lines of a log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum LineFormat {
    /// One JSON object with all of the request.
    #[default]
    Compact,
    /// Three lines, as the original service wrote them: input, monitoring and output, each a JSON object
    /// behind the time (UTC) and `INFO - `.
    Original,
}

/// No line is longer, in bytes: log systems cut lines at 64 KB, and count their own words, too.
pub const MAX_LINE: usize = 48 << 10;

/// Turns events into lines.
#[derive(Clone, Debug)]
pub(crate) struct LineWriter {
    pub(crate) service_name: String,
    pub(crate) format: LineFormat,
    pub(crate) privacy: Privacy,
}

/// The rows that a line is about, of the rows of a request.
#[derive(Clone, Debug)]
struct Rows {
    range: Range<usize>,
    n_rows: usize,
}

impl Rows {
    /// Where the rows begin, and how many the request has; `None` if the line holds all of them.
    fn position(&self) -> Option<(usize, usize)> {
        (self.range.len() < self.n_rows).then_some((self.range.start, self.n_rows))
    }
}

impl LineWriter {
    /// Appends the lines of `event`; none is longer than [`MAX_LINE`].
    pub(crate) fn append(&self, event: &Event, lines: &mut Vec<u8>) -> serde_json::Result<()> {
        match event {
            Event::Inference(inference) => {
                let n_rows = inference.records.n_rows();
                self.append_rows(inference, Rows { range: 0..n_rows, n_rows }, lines)
            }
            Event::Feedback(feedback) => self.feedback(feedback, lines),
        }
    }

    /// Appends lines for some rows of a request; lines that are too long are made of fewer rows.
    fn append_rows(
        &self,
        inference: &Inference,
        rows: Rows,
        lines: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let start = lines.len();
        self.write_rows(inference, &rows, lines)?;
        let longest = longest_line(&lines[start..]);
        if longest < MAX_LINE {
            return Ok(());
        }
        lines.truncate(start);
        let n_rows = inference.records.n_rows();
        if n_rows < 2 {
            return self.write_rows(&without_columns(inference), &rows, lines);
        }
        let n_parts = (longest / MAX_LINE + 1).clamp(2, n_rows);
        let n_each = n_rows.div_ceil(n_parts);
        for first in (0..n_rows).step_by(n_each) {
            let these = first..n_rows.min(first + n_each);
            let at = rows.range.start;
            let range = at + these.start..at + these.end;
            self.append_rows(&part(inference, these), Rows { range, n_rows: rows.n_rows }, lines)?;
        }
        Ok(())
    }

    fn write_rows(
        &self,
        inference: &Inference,
        rows: &Rows,
        lines: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        match (self.format, inference.role) {
            // The original knows no challenger.
            (LineFormat::Compact, _) | (_, Role::Challenger) => {
                compact::write(self, inference, rows, lines)
            }
            (LineFormat::Original, Role::Champion) => original::write(self, inference, rows, lines),
        }
    }

    fn feedback(&self, feedback: &Feedback, lines: &mut Vec<u8>) -> serde_json::Result<()> {
        compact::write_feedback(self, feedback, lines)
    }
}

/// The bytes of the longest line, or of all together if they are few.
fn longest_line(lines: &[u8]) -> usize {
    if lines.len() < MAX_LINE {
        return lines.len();
    }
    lines.split(|&byte| byte == b'\n').map(<[u8]>::len).max().unwrap_or_default()
}

/// Some of the rows of an answer; what is about all of them stays with the first.
fn part(inference: &Inference, range: Range<usize>) -> Inference {
    let rows: Vec<usize> = range.clone().collect();
    let Predictions { classes, outputs } = &inference.predictions;
    let Monitoring { drift, outliers } = &inference.monitoring;
    Inference {
        records: Arc::new(inference.records.select(&rows)),
        predictions: Predictions {
            classes: classes.as_ref().map(|classes| classes[range.clone()].to_vec()),
            outputs: Prediction::new(outputs.values.slice(s![range.clone(), ..]).to_owned()),
        },
        monitoring: Monitoring {
            drift: drift.clone().filter(|_| range.start == 0),
            outliers: outliers.as_ref().map(|part| match part {
                Part::Unavailable => Part::Unavailable,
                Part::Available(report) => {
                    let mut some = OutlierReport::new(report.threshold, Vec::new());
                    some.rows = report.rows[range].to_vec();
                    Part::Available(some)
                }
            }),
        },
        ..inference.clone()
    }
}

/// The answer without what grows with the number of columns.
fn without_columns(inference: &Inference) -> Inference {
    let monitoring = Monitoring { drift: None, ..inference.monitoring.clone() };
    let records = Arc::new(inference.records.select(&[]));
    Inference { records, monitoring, ..inference.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::inference;

    fn writer(format: LineFormat) -> LineWriter {
        let privacy = Privacy::default();
        LineWriter { service_name: "Wine".to_owned(), format, privacy }
    }

    fn lines(format: LineFormat, alcohol: &[f64]) -> String {
        let mut lines = Vec::new();
        let event = Event::Inference(Box::new(inference(alcohol)));
        writer(format).append(&event, &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_request_of_many_rows_becomes_lines_that_log_systems_take() {
        let alcohol: Vec<f64> = (0..10_000).map(|row| 8.0 + f64::from(row) / 3e3).collect();
        let text = lines(LineFormat::Compact, &alcohol);
        let mut read = Vec::new();
        for (i, line) in text.lines().enumerate() {
            assert!(line.len() < MAX_LINE);
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["first_row"], read.len());
            assert_eq!(line["n_rows"], 10_000);
            assert_eq!(line["monitoring"].get("drift").is_some(), i == 0);
            let data = line["inputs"]["data"].as_array().unwrap();
            assert_eq!(line["predictions"].as_array().unwrap().len(), data.len());
            assert_eq!(
                line["monitoring"]["outliers"]["is_outlier"].as_array().unwrap().len(),
                data.len()
            );
            read.extend(data.iter().map(|row| row[0].as_f64().unwrap()));
        }
        assert_eq!(read, alcohol);
    }

    #[test]
    fn the_original_lines_of_many_rows_are_split_too() {
        let alcohol: Vec<f64> = (0..10_000).map(|row| 8.0 + f64::from(row) / 3e3).collect();
        let text = lines(LineFormat::Original, &alcohol);
        assert!(text.lines().all(|line| line.len() < MAX_LINE));
        let mut n_read = 0;
        for line in text.lines().filter(|line| line.contains(r#""type":"input_data""#)) {
            let (_, line) = line.split_once(" INFO - ").unwrap();
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["first_row"], n_read);
            let rows: Value = serde_json::from_str(line["value"].as_str().unwrap()).unwrap();
            n_read += rows.as_array().unwrap().len();
        }
        assert_eq!(n_read, 10_000);
    }
}
