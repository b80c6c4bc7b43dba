//! What a batch of rows comes to, whatever the format of the file.

use std::ops::Range;
use std::sync::Arc;

use mlops_core::{OutlierReport, PredictError, Records, RecordsError, Schema};
use ndarray::Array2;

use super::{BadRow, BadRows, BatchError, BatchScoring, BatchSummary, Place};

/// A batch of rows as a file has them; not empty.
pub(super) trait Table {
    fn n_rows(&self) -> usize;

    /// Where a row is in the file.
    fn place(&self, row: usize) -> Place;

    /// Reads rows; what is wrong with one of them, or else with the whole file.
    fn read(&self, rows: Range<usize>) -> Result<Result<Records, RecordsError>, BatchError>;

    /// Whether results can stand beside a row that cannot be scored.
    fn has_room(&self, row: usize) -> Result<bool, BatchError>;
}

/// What became of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Scored(RowScores),
    /// It stays, with empty results.
    Null,
    /// It is left out.
    Skipped,
}

/// What the models say of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowScores {
    pub(super) class: u32,
    pub(super) probability: f64,
    /// The score, and whether it is above the threshold.
    pub(super) outlier: Option<(f64, bool)>,
}

/// One thing that the models say of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Class(u32),
    Number(f64),
    Flag(bool),
}

impl RowScores {
    /// What stands in the columns that are added, in their order.
    pub(super) fn values(self) -> impl Iterator<Item = Value> {
        let Self { class, probability, outlier } = self;
        let outlier = outlier.map(|(score, flag)| [Value::Number(score), Value::Flag(flag)]);
        let prediction = [Value::Class(class), Value::Number(probability)];
        prediction.into_iter().chain(outlier.into_iter().flatten())
    }
}

impl Value {
    /// Writes the value so that it is read back to the same bits, or `missing` for a number that is not finite.
    pub(super) fn write(self, text: &mut Vec<u8>, missing: &[u8]) {
        // Writing to memory does not fail.
        let _ = match self {
            Self::Class(class) => serde_json::to_writer(text, &class),
            Self::Flag(flag) => serde_json::to_writer(text, &flag),
            Self::Number(number) if number.is_finite() => serde_json::to_writer(text, &number),
            Self::Number(_) => return text.extend_from_slice(missing),
        };
    }
}

/// The outcome of each row of a batch, and all in all.
#[derive(Debug)]
pub(super) struct Scored {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) summary: BatchSummary,
}

impl BatchScoring {
    /// Reads and scores a batch.
    pub(super) fn score(&self, table: &impl Table) -> Result<Scored, BatchError> {
        let n_rows = table.n_rows();
        let mut sorted = Sorted::default();
        let good = match table.read(0..n_rows)? {
            Ok(records) if records.n_rows() == n_rows => Some(records),
            read => {
                self.sort(table, 0..n_rows, read, &mut sorted)?;
                together(self.classifier.schema(), sorted.values)?
            }
        };
        let mut summary = sorted.summary;
        let mut scores = match &good {
            Some(records) => self.score_records(records, &mut summary)?,
            None => Vec::new(),
        }
        .into_iter();
        let mut bad = sorted.bad.into_iter().peekable();
        let outcomes = (0..n_rows).map(|row| match bad.next_if(|(at, _)| *at == row) {
            Some((_, outcome)) => outcome,
            None => scores.next().map_or(Outcome::Null, Outcome::Scored),
        });
        Ok(Scored { outcomes: outcomes.collect(), summary })
    }

    /// Sorts rows that were read: where something is wrong they are halved until it is known with which of them, and what.
    fn sort(
        &self,
        table: &impl Table,
        rows: Range<usize>,
        read: Result<Records, RecordsError>,
        sorted: &mut Sorted,
    ) -> Result<(), BatchError> {
        let fault = match read {
            Ok(records) if records.n_rows() == rows.len() => {
                sorted.values.extend(records.values());
                return Ok(());
            }
            _ if rows.len() > 1 => {
                let middle = rows.start + rows.len() / 2;
                return [rows.start..middle, middle..rows.end].into_iter().try_for_each(|half| {
                    self.sort(table, half.clone(), table.read(half)?, sorted)
                });
            }
            // Lines that readers take for several rows have quotes where none belong.
            Ok(_) => RecordsError::MalformedCsv { line: 1 },
            Err(fault) => fault,
        };
        let row = rows.start;
        let bad_row = BadRow { place: table.place(row), fault };
        let outcome = match self.bad_rows {
            BadRows::Stop => return Err(BatchError::Row(bad_row)),
            BadRows::Null if table.has_room(row)? => {
                sorted.summary.n_null += 1;
                Outcome::Null
            }
            BadRows::Null | BadRows::Skip => {
                sorted.summary.n_skipped += 1;
                Outcome::Skipped
            }
        };
        sorted.summary.first_bad.get_or_insert(bad_row);
        sorted.bad.push((row, outcome));
        Ok(())
    }

    fn score_records(
        &self,
        records: &Records,
        summary: &mut BatchSummary,
    ) -> Result<Vec<RowScores>, BatchError> {
        let classification = self.classifier.classify(records)?;
        let report = match &self.outliers {
            Some(detector) => {
                Some(OutlierReport::new(detector.threshold(), detector.score(records)?))
            }
            None => None,
        };
        let n_rows = records.n_rows();
        let n_scores = report.as_ref().map_or(n_rows, |report| report.rows.len());
        if classification.classes.len() != n_rows || n_scores != n_rows {
            return Err(PredictError::model("it answered for another number of rows").into());
        }
        let mut outliers =
            report.iter().flat_map(|report| report.scores().zip(report.is_outlier()));
        let probabilities = classification.probabilities.values.rows();
        let rows = classification.classes.into_iter().zip(probabilities);
        let scores: Vec<RowScores> = rows
            .map(|(class, probabilities)| {
                let decided = if probabilities.len() == 1 { 0 } else { class as usize };
                RowScores { class, probability: probabilities[decided], outlier: outliers.next() }
            })
            .collect();
        summary.n_scored += scores.len() as u64;
        let is_outlier =
            |scores: &&RowScores| scores.outlier.is_some_and(|(_, is_outlier)| is_outlier);
        summary.n_outliers += scores.iter().filter(is_outlier).count() as u64;
        Ok(scores)
    }
}

/// Rows of a batch, good and bad ones apart.
#[derive(Default)]
struct Sorted {
    /// Those of the good rows, one row after the other.
    values: Vec<f64>,
    /// Each bad row, and what becomes of it.
    bad: Vec<(usize, Outcome)>,
    summary: BatchSummary,
}

/// Rows that were read apart; `None` if there are none.
fn together(schema: &Arc<Schema>, values: Vec<f64>) -> Result<Option<Records>, BatchError> {
    // They fit, as each of them did.
    let values = Array2::from_shape_vec((values.len() / schema.len(), schema.len()), values);
    let values = values.map_err(PredictError::model)?;
    let records = Records::new(Arc::clone(schema), values).map_err(PredictError::model)?;
    Ok(Some(records).filter(|records| records.n_rows() > 0))
}
