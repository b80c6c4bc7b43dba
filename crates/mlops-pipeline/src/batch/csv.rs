use std::io::{Read, Write};
use std::ops::Range;

use mlops_core::{Records, RecordsBuilder, RecordsError, RecordsLimits};

use super::columns::Columns;
use super::table::{Outcome, Table};
use super::{BatchError, BatchScoring, BatchSummary, Place};
use crate::lines::{LineBatch, LineRules, Lines, cells};

impl BatchScoring {
    pub(super) fn score_csv(
        &self,
        input: impl Read,
        mut output: impl Write,
    ) -> Result<BatchSummary, BatchError> {
        let mut lines = Lines::new(input, LineRules::Csv);
        let first = lines.next(b"", 1)?.ok_or(BatchError::NoHeader)?;
        let header = Header::read(&first)?;
        let columns = self.columns();
        columns.check(&header.names, self.classifier.schema())?;
        output.write_all(&header.with(&columns)).map_err(BatchError::Write)?;

        let next = || lines.next(&header.line, self.batch_rows).map_err(BatchError::from);
        let work = |batch: LineBatch| {
            let table = CsvTable { scoring: self, header: &header, batch };
            let scored = self.score(&table)?;
            Ok((table.text(&scored.outcomes, columns.names().len()), scored.summary))
        };
        self.run(next, work, output)
    }
}

/// The line that names the columns.
struct Header {
    /// With a line feed.
    line: Vec<u8>,
    names: Vec<String>,
    /// How lines end.
    ending: &'static [u8],
}

impl Header {
    fn read(first: &LineBatch) -> Result<Self, BatchError> {
        let line = [first.row(0), b"\n"].concat();
        let names = cells(&line).ok_or(BatchError::Header)?;
        let names = names.iter().map(ToOwned::to_owned).collect();
        let ending: &[u8] = if first.after(0).starts_with(b"\r") { b"\r\n" } else { b"\n" };
        Ok(Self { line, names, ending })
    }

    /// The line with the names of more columns.
    fn with(&self, columns: &Columns) -> Vec<u8> {
        let mut line = self.line[..self.line.len() - 1].to_vec();
        for name in columns.names() {
            line.push(b',');
            line.extend(quoted(name));
        }
        line.extend(self.ending);
        line
    }
}

/// Rows of a CSV file behind its header.
struct CsvTable<'s> {
    scoring: &'s BatchScoring,
    header: &'s Header,
    batch: LineBatch,
}

impl CsvTable<'_> {
    /// The rows that are not left out, with their scores.
    fn text(&self, outcomes: &[Outcome], n_columns: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.batch.text.len() + 64 * outcomes.len());
        for (row, outcome) in outcomes.iter().enumerate() {
            if matches!(outcome, Outcome::Skipped) {
                continue;
            }
            text.extend_from_slice(self.batch.row(row));
            match outcome {
                Outcome::Scored(scores) => {
                    for value in scores.values() {
                        text.push(b',');
                        value.write(&mut text, b"");
                    }
                }
                _ => text.resize(text.len() + n_columns, b','),
            }
            text.extend_from_slice(self.header.ending);
        }
        text
    }
}

impl Table for CsvTable<'_> {
    fn n_rows(&self) -> usize {
        self.batch.n_rows()
    }

    fn place(&self, row: usize) -> Place {
        Place::Line(self.batch.line(row))
    }

    fn read(&self, rows: Range<usize>) -> Result<Result<Records, RecordsError>, BatchError> {
        let limits = RecordsLimits::default().max_rows(rows.len());
        let builder = RecordsBuilder::new(self.scoring.classifier.schema(), limits);
        let builder = builder.ignore_unknown();
        Ok(if rows.len() == self.n_rows() {
            builder.read_csv(&self.batch.text)
        } else {
            builder.read_csv(&[&self.header.line, self.batch.rows(rows)].concat())
        })
    }

    fn has_room(&self, row: usize) -> Result<bool, BatchError> {
        let cells = cells(self.batch.row(row));
        Ok(cells.is_some_and(|cells| cells.len() == self.header.names.len()))
    }
}

/// A value as CSV writes it.
fn quoted(name: &str) -> Vec<u8> {
    if name.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\"")).into_bytes()
    } else {
        name.as_bytes().to_vec()
    }
}
