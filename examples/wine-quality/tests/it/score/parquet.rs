//! Parquet files.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use mlops_core::Records;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

use super::trained::Trained;
use super::{csv, records};
use crate::program::text;

/// The records as a table with the features in reverse order between two other columns.
fn table(records: &Records) -> RecordBatch {
    let names = (0..records.n_rows()).map(|row| format!("wine {row}"));
    let vintages = (0..records.n_rows()).map(|row| (row % 3 > 0).then_some(2020.5));
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("name", Arc::new(StringArray::from_iter_values(names)))];
    for (column, feature) in records.schema().features().iter().enumerate().rev() {
        let name = feature.name();
        let values = records.column(column);
        columns.push((
            name,
            match name {
                "is_red" => {
                    let is_red = values.iter().map(|value| Some(*value > 0.0));
                    Arc::new(is_red.collect::<BooleanArray>())
                }
                _ => Arc::new(Float64Array::from_iter_values(values.iter().copied())),
            },
        ));
    }
    columns.push(("vintage", Arc::new(vintages.collect::<Float64Array>())));
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write(path: &Path, table: &RecordBatch) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(500)).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, table.schema(), Some(properties)).unwrap();
    writer.write(table).unwrap();
    writer.close().unwrap();
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let reader = reader.with_batch_size(10_000).build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
    batch.clone()
}

#[test]
fn scores_of_parquet_are_those_of_the_models() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    let records = records(&trained, &csv());
    let wines = table(&records);
    write(&folder.path().join("wines.parquet"), &wines);
    for more in [&[][..], &["--batch-size", "77", "--jobs", "3"]] {
        let args = [&["--input", "wines.parquet", "--output", "scored.parquet"], more].concat();
        let output = trained.score(folder.path(), &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let scored = read(&folder.path().join("scored.parquet"));
        assert_eq!(scored.columns()[..14], wines.columns()[..]);
        let column = |name: &str| scored.column_by_name(name).unwrap();
        let classes = column("prediction").as_primitive::<Int64Type>();
        let probabilities = column("probability").as_primitive::<Float64Type>();
        let scores = column("outlier_score").as_primitive::<Float64Type>();
        let flags = column("is_outlier").as_boolean();
        for (row, expected) in trained.scores(&records).into_iter().enumerate() {
            let bits = |values: &Float64Array| values.value(row).to_bits();
            let class = u32::try_from(classes.value(row)).unwrap();
            assert_eq!((class, bits(probabilities), bits(scores), flags.value(row)), expected);
        }
    }
}

#[test]
fn what_is_no_parquet_is_refused() {
    let trained = Trained::shared();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wines.parquet"), csv()).unwrap();
    let said =
        trained.failure(folder.path(), &["--input", "wines.parquet", "--output", "scored.parquet"]);
    assert!(
        said.contains("wines.parquet cannot be scored: the input cannot be read as Parquet: "),
        "{said}"
    );
    let said =
        trained.failure(folder.path(), &["--format", "parquet", "--output", "scored.parquet"]);
    assert_eq!(said, "error: Parquet is read from its end, so `--input` should name a file\n");
}
