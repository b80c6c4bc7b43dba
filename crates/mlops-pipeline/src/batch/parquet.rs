mod features;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema as ArrowSchema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use bytes::Bytes;
use mlops_core::{Records, RecordsError};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, Length};

use super::columns::Columns;
use super::table::{Outcome, RowScores, Table};
use super::{BatchError, BatchScoring, BatchSummary, Observed, Place, ordered};
use features::Features;

/// A row group of the output has at most so many rows, as other writers have it.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// It ends when it has about so many bytes: a row group is in memory until it is whole.
const ROW_GROUP_BYTES: usize = 64 << 20;

impl BatchScoring {
    pub(super) fn score_parquet(
        &self,
        input: File,
        mut output: impl Write + Send,
    ) -> Result<BatchSummary, BatchError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.observed(input));
        let reader = reader.map_err(unread)?;
        let table = Arc::clone(reader.schema());
        let columns = self.columns();
        let names: Vec<&String> = table.fields().iter().map(|field| field.name()).collect();
        columns.check(&names, self.classifier.schema())?;
        let features = Features::find(&table, self.classifier.schema())?;
        check_compression(reader.metadata())?;

        let wider = wider(&table, &columns);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_key_value_metadata(reader.metadata().file_metadata().key_value_metadata().cloned())
            .build();
        let mut reader = reader.with_batch_size(self.batch_rows).build().map_err(malformed)?;
        let writer = ArrowWriter::try_new(&mut output, Arc::clone(&wider), Some(properties));
        let mut writer = writer.map_err(unwritten)?;

        let mut n_read = 0;
        let next = || {
            let batch = reader.next().transpose().map_err(malformed)?;
            Ok(batch.map(|batch| {
                let first = n_read;
                n_read += batch.num_rows() as u64;
                (first, batch)
            }))
        };
        let work = |(first, batch): (u64, RecordBatch)| {
            let columns = features.columns(&batch).map_err(malformed)?;
            let n_rows = batch.num_rows();
            let table = ParquetTable { features: &features, columns, n_rows, first };
            let scored = self.score(&table)?;
            Ok((scored_batch(&batch, &scored.outcomes, &wider)?, scored.summary))
        };
        let mut total = BatchSummary::default();
        ordered(self.jobs, next, work, |(batch, summary)| {
            total.add(summary);
            writer.write(&batch).map_err(unwritten)
        })?;
        writer.close().map_err(unwritten)?;
        output.flush().map_err(BatchError::Write)?;
        Ok(total)
    }
}

impl Length for Observed<File> {
    fn len(&self) -> u64 {
        self.input.len()
    }
}

impl ChunkReader for Observed<File> {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.input.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.input.get_bytes(start, length)?;
        (self.on_read)(length as u64);
        Ok(bytes)
    }
}

/// Rows of a Parquet file.
struct ParquetTable<'f> {
    features: &'f Features,
    /// Those of the features.
    columns: Vec<ArrayRef>,
    n_rows: usize,
    /// The number of the first row in the file.
    first: u64,
}

impl Table for ParquetTable<'_> {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn place(&self, row: usize) -> Place {
        Place::Row(self.first + row as u64)
    }

    fn read(&self, rows: Range<usize>) -> Result<Result<Records, RecordsError>, BatchError> {
        Ok(self.features.read(&self.columns, rows))
    }

    fn has_room(&self, _: usize) -> Result<bool, BatchError> {
        Ok(true)
    }
}

/// The columns of a table and those that are added.
fn wider(table: &ArrowSchema, columns: &Columns) -> SchemaRef {
    let types = [DataType::Int64, DataType::Float64, DataType::Float64, DataType::Boolean];
    let added = columns.names().iter().zip(types);
    let added = added.map(|(name, data_type)| Arc::new(Field::new(name, data_type, true)));
    let fields: Fields = table.fields().iter().map(Arc::clone).chain(added).collect();
    Arc::new(ArrowSchema::new_with_metadata(fields, table.metadata().clone()))
}

/// The rows that are not left out, with their scores.
fn scored_batch(
    batch: &RecordBatch,
    outcomes: &[Outcome],
    wider: &SchemaRef,
) -> Result<RecordBatch, BatchError> {
    let is_kept = |outcome: &&Outcome| !matches!(outcome, Outcome::Skipped);
    let kept: BooleanArray = outcomes.iter().map(|outcome| Some(is_kept(&outcome))).collect();
    let batch = filter_record_batch(batch, &kept).map_err(malformed)?;
    let scores: Vec<Option<RowScores>> = outcomes
        .iter()
        .filter(is_kept)
        .map(|outcome| match outcome {
            Outcome::Scored(scores) => Some(*scores),
            Outcome::Null | Outcome::Skipped => None,
        })
        .collect();
    let outliers = || scores.iter().map(|scores| scores.and_then(|scores| scores.outlier));
    let scores = scores.iter();
    let classes = scores.clone().map(|scores| scores.map(|scores| i64::from(scores.class)));
    let probabilities = scores.map(|scores| scores.map(|scores| scores.probability));
    let outlier_scores = outliers().map(|outlier| outlier.map(|(score, _)| score));
    let flags = outliers().map(|outlier| outlier.map(|(_, is_outlier)| is_outlier));
    let added: [ArrayRef; 4] = [
        Arc::new(classes.collect::<Int64Array>()),
        Arc::new(probabilities.collect::<Float64Array>()),
        Arc::new(outlier_scores.collect::<Float64Array>()),
        Arc::new(flags.collect::<BooleanArray>()),
    ];
    let n_added = wider.fields().len() - batch.num_columns();
    let columns = batch.columns().iter().cloned().chain(added.into_iter().take(n_added));
    RecordBatch::try_new(Arc::clone(wider), columns.collect()).map_err(malformed)
}

/// Checks that every column can be read, before any is.
fn check_compression(metadata: &ParquetMetaData) -> Result<(), BatchError> {
    let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let unreadable = columns.find_map(|column| match column.compression() {
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::LZ4
        | Compression::LZ4_RAW => None,
        other => Some((column.column_path().string(), other)),
    });
    let Some((column, compression)) = unreadable else { return Ok(()) };
    let codec = format!("{compression:?}");
    // Without the level that stands behind it.
    let codec = codec.split('(').next().unwrap_or_default().to_ascii_lowercase();
    Err(BatchError::Compression { column, codec })
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> BatchError {
    BatchError::Parquet(Box::new(error))
}

fn unread(error: ParquetError) -> BatchError {
    match io_error(error) {
        Ok(error) => BatchError::Read(error),
        Err(error) => malformed(error),
    }
}

fn unwritten(error: ParquetError) -> BatchError {
    BatchError::Write(io_error(error).unwrap_or_else(io::Error::other))
}

/// The error of the operating system, if it is one.
fn io_error(error: ParquetError) -> Result<io::Error, ParquetError> {
    match error {
        ParquetError::External(source) => match source.downcast() {
            Ok(error) => Ok(*error),
            Err(source) => Err(ParquetError::External(source)),
        },
        error => Err(error),
    }
}

#[cfg(test)]
mod tests;
