mod object;

use std::io::{Read, Write};
use std::ops::Range;

use mlops_core::{Records, RecordsBuilder, RecordsError, RecordsLimits};

use super::columns::Columns;
use super::table::{Outcome, Table};
use super::{BatchError, BatchScoring, BatchSummary, Place};
use crate::lines::{LineBatch, LineRules, Lines};
use object::{Names, Object};

impl BatchScoring {
    pub(super) fn score_json_lines(
        &self,
        input: impl Read,
        output: impl Write,
    ) -> Result<BatchSummary, BatchError> {
        let mut lines = Lines::new(input, LineRules::Json);
        let columns = self.columns();
        let keys: Vec<String> = columns
            .names()
            .iter()
            .map(|name| format!("{}:", serde_json::Value::from(&**name)))
            .collect();
        let next = || lines.next(b"", self.batch_rows).map_err(BatchError::from);
        let work = |batch: LineBatch| {
            let table = JsonTable { scoring: self, columns: &columns, batch };
            let scored = self.score(&table)?;
            Ok((table.text(&scored.outcomes, &keys), scored.summary))
        };
        self.run(next, work, output)
    }
}

/// Rows of a file of JSON lines.
struct JsonTable<'s> {
    scoring: &'s BatchScoring,
    columns: &'s Columns,
    batch: LineBatch,
}

impl JsonTable<'_> {
    /// The rows that are not left out, with their scores behind `keys`.
    fn text(&self, outcomes: &[Outcome], keys: &[String]) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.batch.text.len() + 128 * outcomes.len());
        for (row, outcome) in outcomes.iter().enumerate() {
            let mut values = match outcome {
                Outcome::Skipped => continue,
                Outcome::Null => None,
                Outcome::Scored(scores) => Some(scores.values()),
            };
            // A row that was read is an object: a brace is its last character.
            let object = self.batch.row(row).trim_ascii();
            let fields = object[..object.len() - 1].trim_ascii_end();
            text.extend_from_slice(fields);
            for (at, key) in keys.iter().enumerate() {
                if at > 0 || !fields.ends_with(b"{") {
                    text.push(b',');
                }
                text.extend_from_slice(key.as_bytes());
                match values.as_mut().and_then(Iterator::next) {
                    Some(value) => value.write(&mut text, b"null"),
                    None => text.extend_from_slice(b"null"),
                }
            }
            text.extend_from_slice(b"}\n");
        }
        text
    }
}

impl Table for JsonTable<'_> {
    fn n_rows(&self) -> usize {
        self.batch.n_rows()
    }

    fn place(&self, row: usize) -> Place {
        Place::Line(self.batch.line(row))
    }

    fn read(&self, rows: Range<usize>) -> Result<Result<Records, RecordsError>, BatchError> {
        let limits = RecordsLimits::default().max_rows(rows.len());
        let builder = RecordsBuilder::new(self.scoring.classifier.schema(), limits);
        let mut builder = builder.ignore_unknown();
        let mut taken = None;
        let outcome = rows.into_iter().try_for_each(|row| {
            let object = Object { builder: &mut builder, columns: self.columns, taken: &mut taken };
            object.read(self.batch.row(row))
        });
        refuse_taken(taken)?;
        Ok(builder.finish_json(outcome))
    }

    fn has_room(&self, row: usize) -> Result<bool, BatchError> {
        let Ok(Names(names)) = serde_json::from_slice(self.batch.row(row)) else {
            return Ok(false);
        };
        refuse_taken(names.into_iter().find(|name| self.columns.contains(name)))?;
        Ok(true)
    }
}

fn refuse_taken(taken: Option<String>) -> Result<(), BatchError> {
    taken.map_or(Ok(()), |column| Err(BatchError::TakenColumn { column }))
}
