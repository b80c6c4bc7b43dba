use std::fs;
use std::num::NonZeroUsize;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type, Int64Type};
use arrow_array::{
    Array, Float32Array, Int32Array, LargeStringArray, ListArray, StringArray, StringViewArray,
    TimestampMicrosecondArray, UInt64Array, new_null_array,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::*;
use crate::BadRows;
use crate::batch::tests::scoring;

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

/// A Parquet file with the table, in row groups of so many rows.
fn written(table: &RecordBatch, rows: usize) -> File {
    let mut file = tempfile::tempfile().unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(rows)).build();
    let mut writer = ArrowWriter::try_new(&mut file, table.schema(), Some(properties)).unwrap();
    writer.write(table).unwrap();
    writer.append_key_value_metadata(parquet::file::metadata::KeyValue::new(
        "owner".to_owned(),
        "cellar".to_owned(),
    ));
    writer.close().unwrap();
    file
}

fn score(scoring: &BatchScoring, file: File) -> Result<(RecordBatch, BatchSummary), BatchError> {
    let mut output = Vec::new();
    let summary = scoring.parquet(file, &mut output)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(output)).unwrap();
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(metadata.iter().any(|pair| pair.key == "owner"), "{metadata:?}");
    let schema = Arc::clone(reader.schema());
    let reader: ParquetRecordBatchReader = reader.build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    Ok((arrow_select::concat::concat_batches(&schema, &batches).unwrap(), summary))
}

fn wines() -> RecordBatch {
    let mut regions = StringDictionaryBuilder::<Int8Type>::new();
    regions.append("Douro").unwrap();
    regions.append("Vinho \"Verde\", Minho").unwrap();
    regions.append_null();
    let notes = vec![Some(vec![Some(1), None]), None, Some(vec![])];
    table(vec![
        ("bottled", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(3)])) as _),
        ("region", Arc::new(regions.finish())),
        ("alcohol", Arc::new(Float32Array::from(vec![Some(9.4), Some(10.0), None]))),
        ("notes", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(notes))),
        ("is_red", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
    ])
}

#[test]
fn columns_stay_and_scores_stand_behind() {
    let wines = wines();
    let (scored, summary) = score(&scoring().prefix("p_"), written(&wines, 2)).unwrap();
    assert_eq!((summary.n_scored, summary.n_outliers, summary.first_bad), (3, 2, None));
    assert_eq!(scored.columns()[..5], wines.columns()[..]);
    assert_eq!(scored.schema().fields()[..5], wines.schema().fields()[..]);
    let column = |name: &str| scored.column_by_name(name).unwrap();
    assert_eq!(column("p_prediction").as_primitive::<Int64Type>().values(), &[0, 1, 0]);
    let alcohol = f64::from(9.4_f32);
    let probabilities = [alcohol / 21.0, 11.0 / 21.0, 0.0];
    assert_eq!(column("p_probability").as_primitive::<Float64Type>().values(), &probabilities);
    let scores = [alcohol.sqrt() / 2.0, 10.0_f64.sqrt() / 2.0, 0.0];
    assert_eq!(column("p_outlier_score").as_primitive::<Float64Type>().values(), &scores);
    let flags: BooleanArray = vec![true, true, false].into();
    assert_eq!(column("p_is_outlier").as_boolean(), &flags);
    for (batch_rows, jobs) in [(1, 1), (2, 3), (1, 2)] {
        let [rows, jobs] = [batch_rows, jobs].map(|n| NonZeroUsize::new(n).unwrap());
        let scoring = scoring().prefix("p_").batch_rows(rows).jobs(jobs);
        assert_eq!(score(&scoring, written(&wines, 2)).unwrap().0, scored);
    }
}

#[test]
fn features_are_read_from_many_types() {
    let regions = ["Douro", "Douro"];
    let texts: [ArrayRef; 3] = [
        Arc::new(StringArray::from_iter_values(regions)),
        Arc::new(LargeStringArray::from_iter_values(regions)),
        Arc::new(StringViewArray::from_iter_values(regions)),
    ];
    let numbers: [ArrayRef; 4] = [
        Arc::new(Int32Array::from(vec![7, 14])),
        Arc::new(UInt64Array::from(vec![7, 14])),
        Arc::new(Int64Array::from(vec![7, 14])),
        Arc::new(Float64Array::from(vec![7.0, 14.0])),
    ];
    for text in &texts {
        for number in &numbers {
            let missing = new_null_array(&DataType::Null, 2);
            let columns = vec![
                ("region", Arc::clone(text)),
                ("alcohol", Arc::clone(number)),
                ("is_red", missing),
            ];
            let (scored, _) = score(&scoring(), written(&table(columns), 10)).unwrap();
            let probabilities = scored.column_by_name("probability").unwrap();
            let expected = [7.0 / 21.0, 14.0 / 21.0];
            assert_eq!(probabilities.as_primitive::<Float64Type>().values(), &expected);
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_not_called_damaged() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [0; 100]).unwrap();
    let unreadable = File::options().write(true).open(file.path()).unwrap();
    let error = scoring().parquet(unreadable, io::sink()).unwrap_err();
    assert!(matches!(error, BatchError::Read(_)), "{error:?}");
}

#[test]
fn bad_rows_end_it_or_are_left_out_or_get_nulls() {
    let bad = table(vec![
        (
            "region",
            Arc::new(StringArray::from_iter_values(["Douro", "Douro", "Porto", "Douro"])) as _,
        ),
        ("alcohol", Arc::new(Float64Array::from(vec![1.0, f64::INFINITY, 1.0, 1.0]))),
        ("is_red", Arc::new(Float64Array::from(vec![1.0, 1.0, 1.0, 0.5]))),
    ]);
    for batch_rows in [1, 2, 100] {
        let scoring = || scoring().batch_rows(NonZeroUsize::new(batch_rows).unwrap());
        let error = score(&scoring(), written(&bad, 3)).unwrap_err();
        assert_eq!(error.to_string(), "row 1, field `alcohol`: the number is too large");

        let (kept, summary) = score(&scoring().bad_rows(BadRows::Skip), written(&bad, 3)).unwrap();
        assert_eq!((kept.num_rows(), summary.n_scored, summary.n_skipped), (1, 1, 3));

        let (kept, summary) = score(&scoring().bad_rows(BadRows::Null), written(&bad, 3)).unwrap();
        assert_eq!((kept.num_rows(), summary.n_scored, summary.n_null), (4, 1, 3));
        for column in &kept.columns()[3..] {
            assert_eq!((column.null_count(), column.is_null(0)), (3, false));
        }
    }
}

#[test]
fn files_that_are_no_tables_of_such_rows_are_refused() {
    let error = |file| score(&scoring(), file).unwrap_err().to_string();
    let wines = wines();
    let without = wines.project(&[0, 1, 2]).unwrap();
    assert_eq!(error(written(&without, 9)), "the input has no column `is_red`");
    let (mut columns, names) =
        (wines.columns().to_vec(), ["region", "alcohol", "is_red", "prediction", "x"]);
    columns.rotate_left(1);
    let renamed = |at: [usize; 5]| {
        table(names.into_iter().zip(at.map(|at| Arc::clone(&columns[at]))).collect())
    };
    assert_eq!(
        error(written(&renamed([0, 1, 3, 2, 4]), 9)),
        "the input has a column `prediction` already; a prefix tells the new ones apart"
    );
    let swapped = table(vec![
        ("region", Arc::clone(&columns[1])),
        ("alcohol", Arc::clone(&columns[0])),
        ("is_red", Arc::clone(&columns[3])),
    ]);
    assert_eq!(error(written(&swapped, 9)), "column `alcohol` is of type Utf8, expected numbers");

    for nonsense in
        [&b""[..], b"PAR1", b"alcohol,is_red\n", b"PAR1PAR1PAR1", b"\0\0\0\0\xff\xff\xff\x7fPAR1"]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nonsense.parquet");
        fs::write(&path, nonsense).unwrap();
        assert_eq!(error(File::open(path).unwrap()), "the input cannot be read as Parquet");
    }
}

#[test]
fn a_file_without_rows_has_none_afterwards() {
    let (scored, summary) = score(&scoring(), written(&wines().slice(0, 0), 9)).unwrap();
    assert_eq!((scored.num_rows(), scored.num_columns()), (0, 9));
    assert_eq!(summary, BatchSummary::default());
}

#[test]
fn an_output_that_is_gone_is_told_from_a_bad_input() {
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let error = scoring().parquet(written(&wines(), 2), Gone).unwrap_err();
    assert!(
        matches!(&error, BatchError::Write(source) if source.kind() == io::ErrorKind::BrokenPipe),
        "{error:?}"
    );
}

#[test]
fn what_is_read_is_told_of() {
    use std::sync::atomic::{AtomicU64, Ordering};

    let n_bytes = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&n_bytes);
    let scoring = scoring().on_read(move |n_bytes| _ = told.fetch_add(n_bytes, Ordering::Relaxed));
    let file = written(&wines(), 2);
    let length = file.metadata().unwrap().len();
    score(&scoring, file).unwrap();
    let n_bytes = n_bytes.load(Ordering::Relaxed);
    assert!(0 < n_bytes && n_bytes <= length, "{n_bytes} of {length}");
}

/// A file that Python wrote.
fn python(name: &str) -> File {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    File::open(format!("{folder}/{name}.parquet")).unwrap()
}

#[test]
fn files_of_python_are_scored() {
    for name in ["pandas", "pages_v2"] {
        let mut output = Vec::new();
        let summary = scoring().parquet(python(name), &mut output).unwrap();
        assert_eq!((summary.n_scored, summary.n_outliers), (3, 2));
        let before = ParquetRecordBatchReaderBuilder::try_new(python(name)).unwrap();
        let after = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(output)).unwrap();
        let metadata = after.metadata().file_metadata().key_value_metadata().unwrap();
        assert_eq!(metadata.iter().filter(|pair| pair.key == "pandas").count(), 1);
        assert_eq!(metadata.iter().filter(|pair| pair.key == "ARROW:schema").count(), 1);
        let before: Vec<RecordBatch> = before.build().unwrap().map(Result::unwrap).collect();
        let after: Vec<RecordBatch> = after.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(after[0].columns()[..6], before[0].columns()[..]);
        let probabilities = after[0].column_by_name("probability").unwrap();
        let expected = [9.4 / 21.0, 11.0 / 21.0, 0.0];
        assert_eq!(probabilities.as_primitive::<Float64Type>().values(), &expected);
    }
}

#[test]
fn a_compression_that_needs_c_is_named() {
    let error = score(&scoring(), python("zstd")).unwrap_err().to_string();
    assert_eq!(
        error,
        "column `name` is compressed with zstd, which is not supported; expected snappy, gzip, LZ4 or none"
    );
}
