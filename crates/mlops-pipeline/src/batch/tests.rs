use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mlops_core::{Feature, PredictError, Prediction, Predictor, Records, RecordsLimits, Schema};

use super::*;

/// Predicts from the first and the last feature, and takes what is missing for 0.
#[derive(Debug)]
struct Stub(Arc<Schema>);

fn schema() -> Arc<Schema> {
    let features = vec![
        Feature::numeric("alcohol"),
        Feature::integer("is_red"),
        Feature::categorical("region", ["Douro", "Vinho \"Verde\", Minho"]),
    ];
    Arc::new(Schema::new(features).unwrap())
}

fn known(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

impl Predictor for Stub {
    fn schema(&self) -> &Arc<Schema> {
        &self.0
    }

    fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
        let probability = |row: &[f64]| (known(row[0]) + known(row[2])) / 21.0;
        Ok(Prediction::single(records.rows().map(probability).collect()))
    }
}

impl OutlierDetector for Stub {
    fn schema(&self) -> &Arc<Schema> {
        &self.0
    }

    fn threshold(&self) -> f64 {
        1.5
    }

    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        Ok(records.column(0).iter().map(|alcohol| known(*alcohol).sqrt() / 2.0).collect())
    }
}

pub(super) fn scoring() -> BatchScoring {
    BatchScoring::new(Classifier::new(Stub(schema()))).outliers(Stub(schema()))
}

fn rows(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn csv(scoring: &BatchScoring, text: &str) -> Result<(String, BatchSummary), BatchError> {
    let mut output = Vec::new();
    let summary = scoring.csv(text.as_bytes(), &mut output)?;
    Ok((String::from_utf8(output).unwrap(), summary))
}

fn json(scoring: &BatchScoring, text: &str) -> Result<(String, BatchSummary), BatchError> {
    let mut output = Vec::new();
    let summary = scoring.json_lines(text.as_bytes(), &mut output)?;
    Ok((String::from_utf8(output).unwrap(), summary))
}

const WINES: &str = "\u{feff}id,region,alcohol,\"note\",is_red\r
7,Douro,9.40,\"soft, \"\"round\"\"\",1\r
\r
8,\"Vinho \"\"Verde\"\", Minho\", 1e1 ,\"two\nlines\",0.0\r
9,,NaN,,\r
";

#[test]
fn rows_of_csv_keep_their_bytes_and_get_scores() {
    let expected = "\u{feff}id,region,alcohol,\"note\",is_red,prediction,probability,outlier_score,is_outlier\r
7,Douro,9.40,\"soft, \"\"round\"\"\",1,0,0.44761904761904764,1.5329709716755893,true\r
8,\"Vinho \"\"Verde\"\", Minho\", 1e1 ,\"two\nlines\",0.0,1,0.5238095238095238,1.5811388300841898,true\r
9,,NaN,,,0,0.0,0.0,false\r
";
    let (text, summary) = csv(&scoring(), WINES).unwrap();
    assert_eq!(text, expected);
    assert_eq!((summary.n_scored, summary.n_outliers, summary.first_bad), (3, 2, None));
    for (batch_rows, jobs) in [(1, 1), (2, 1), (1, 2), (2, 7)] {
        let scoring = scoring().batch_rows(rows(batch_rows)).jobs(rows(jobs));
        assert_eq!(csv(&scoring, WINES).unwrap().0, expected);
    }
}

#[test]
fn objects_keep_their_bytes_and_get_scores() {
    let wines = r#"{"id":7, "region":"Douro","alcohol":9.40,"note":{"a":[1.0]},"is_red":1}

 { "is_red":0.0,"alcohol":1e1,"region":"Vinho \"Verde\", Minho"  }  
{"region":null,"alcohol":null,"is_red":null}"#;
    let expected = r#"{"id":7, "region":"Douro","alcohol":9.40,"note":{"a":[1.0]},"is_red":1,"p_prediction":0,"p_probability":0.44761904761904764,"p_outlier_score":1.5329709716755893,"p_is_outlier":true}
{ "is_red":0.0,"alcohol":1e1,"region":"Vinho \"Verde\", Minho","p_prediction":1,"p_probability":0.5238095238095238,"p_outlier_score":1.5811388300841898,"p_is_outlier":true}
{"region":null,"alcohol":null,"is_red":null,"p_prediction":0,"p_probability":0.0,"p_outlier_score":0.0,"p_is_outlier":false}
"#;
    for (batch_rows, jobs) in [(8192, 1), (1, 1), (2, 1), (1, 3)] {
        let scoring = scoring().batch_rows(rows(batch_rows)).jobs(rows(jobs)).prefix("p_");
        assert_eq!(json(&scoring, wines).unwrap().0, expected);
    }
}

#[test]
fn without_a_detector_nothing_is_said_of_outliers() {
    let scoring = BatchScoring::new(Classifier::new(Stub(schema())));
    let text = csv(&scoring, "is_red,alcohol,region\n1,10.5,Douro").unwrap().0;
    assert_eq!(text, "is_red,alcohol,region,prediction,probability\n1,10.5,Douro,0,0.5\n");
}

#[test]
fn a_file_without_rows_has_none_afterwards() {
    let (text, summary) = csv(&scoring().prefix("a,"), "region,alcohol,is_red").unwrap();
    assert_eq!(
        text,
        "region,alcohol,is_red,\"a,prediction\",\"a,probability\",\"a,outlier_score\",\"a,is_outlier\"\n"
    );
    assert_eq!(summary, BatchSummary::default());
    assert_eq!(json(&scoring(), " \n\n").unwrap(), (String::new(), BatchSummary::default()));
    assert!(matches!(csv(&scoring(), "\n\n"), Err(BatchError::NoHeader)));
}

fn csv_error(text: &str) -> String {
    csv(&scoring(), text).unwrap_err().to_string()
}

#[test]
fn columns_that_are_missing_or_in_the_way_are_named() {
    assert_eq!(
        csv_error("region,alcohols\nDouro,9\n"),
        "the input has no column `alcohol`, `is_red`"
    );
    assert_eq!(
        csv_error("region;alcohol;is_red\nDouro;9;1\n"),
        "the input has no column `alcohol`, `is_red`, `region`; expected commas between the columns"
    );
    assert_eq!(csv_error("region,alcohol,is_red,alcohol\n"), "the input has two columns `alcohol`");
    let taken = "the input has a column `is_outlier` already; a prefix tells the new ones apart";
    assert_eq!(csv_error("region,is_outlier,alcohol,is_red\n"), taken);
    let wine = r#"{"alcohol":9,"is_red":1,"region":null}"#;
    for name in ["is_outlier", r"is\u005foutlier"] {
        for alcohol in ["9", "1e400", "\"strong\""] {
            let row = format!(r#"{{"alcohol":{alcohol},"{name}":0,"is_red":1,"region":null}}"#);
            let scoring = scoring().bad_rows(BadRows::Null);
            let error = json(&scoring, &format!("{wine}\n{row}\n")).unwrap_err();
            assert_eq!(error.to_string(), taken);
        }
    }
}

/// Good and bad rows, and what is wrong with those.
const MIXED_CSV: &str = "alcohol,is_red,region\n1,1,Douro\n9.4%,1,Douro\n2,1,Douro,7\n3,1\n4,0.5,Douro\n\
    5,1,Porto\n1e39,1,Douro\n6,1,Dou\"ro,\"\n8,1,Douro\n";
const MIXED_JSON: &str = r#"{"alcohol":1,"is_red":1,"region":"Douro"}
{"alcohol":"9.4","is_red":1,"region":"Douro"}
{"alcohol":2,"is_red":1,"region":"Douro"},{"alcohol":2,"is_red":1
[1, 2]
{}
"region":"Douro"}
{"alcohol":1e400,"is_red":1,"region":"Douro"}
{"alcohol":1e400,"is_red":1,"region":"Douro"
{"alcohol":8,"is_red":1,"region":"Douro"}
"#;

#[test]
fn a_bad_row_ends_it_and_is_named() {
    let faults = |text: &str, lines: &[&str], read: &dyn Fn(&str) -> String| {
        let mut text: Vec<&str> = text.split_inclusive('\n').collect();
        for expected in lines {
            assert_eq!(read(&text.concat()), *expected);
            let line: usize = expected[5..].split([',', ':']).next().unwrap().parse().unwrap();
            // An empty line keeps the numbers of the others.
            text[line - 1] = "\n";
        }
    };
    let lines = [
        "line 3, field `alcohol`: the value has the wrong type",
        "line 4: expected one value for each column",
        "line 5: expected one value for each column",
        "line 6, field `is_red`: expected a whole number",
        "line 7, field `region`: the value is none of the feature's levels",
        "line 8, field `alcohol`: the number is too large",
        "line 9: malformed CSV, a stray quote or not UTF-8",
    ];
    faults(MIXED_CSV, &lines, &csv_error);
    let lines = [
        "line 2, field `alcohol`: the value has the wrong type",
        "line 3, column 42: malformed JSON",
        "line 4: expected an object with the fields of a row",
        "line 5, field `alcohol`: the field is missing; `null` stands for a missing value",
        "line 6, column 9: malformed JSON",
        "line 7, field `alcohol`: the number is too large",
        "line 8, field `alcohol`: the number is too large",
    ];
    for jobs in [1, 4] {
        let scoring = scoring().jobs(rows(jobs)).batch_rows(rows(2));
        faults(MIXED_JSON, &lines, &|text| json(&scoring, text).unwrap_err().to_string());
    }
}

#[test]
fn bad_rows_are_left_out_or_get_empty_results() {
    for (batch_rows, jobs) in [(8192, 1), (1, 1), (3, 2)] {
        let scoring = |bad_rows| {
            let scoring = BatchScoring::new(Classifier::new(Stub(schema())));
            scoring.batch_rows(rows(batch_rows)).jobs(rows(jobs)).bad_rows(bad_rows)
        };
        let (text, skipped) = csv(&scoring(BadRows::Skip), MIXED_CSV).unwrap();
        let scored = |row: &str| {
            format!(
                "{row},1,Douro,0,0.{}\n",
                if row == "1" { "047619047619047616" } else { "38095238095238093" }
            )
        };
        let header = "alcohol,is_red,region,prediction,probability\n";
        assert_eq!(text, format!("{header}{}{}", scored("1"), scored("8")));
        assert_eq!((skipped.n_scored, skipped.n_null, skipped.n_skipped), (2, 0, 7));
        assert_eq!(skipped.first_bad.unwrap().place, Place::Line(3));

        let (text, null) = csv(&scoring(BadRows::Null), MIXED_CSV).unwrap();
        let empty = "9.4%,1,Douro,,\n4,0.5,Douro,,\n5,1,Porto,,\n1e39,1,Douro,,\n";
        assert_eq!(text, format!("{header}{}{empty}{}", scored("1"), scored("8")));
        assert_eq!((null.n_scored, null.n_null, null.n_skipped), (2, 4, 3));

        let (text, skipped) = json(&scoring(BadRows::Skip), MIXED_JSON).unwrap();
        assert_eq!((text.lines().count(), skipped.n_scored, skipped.n_skipped), (2, 2, 7));
        let (text, null) = json(&scoring(BadRows::Null), MIXED_JSON).unwrap();
        assert_eq!((null.n_scored, null.n_null, null.n_skipped), (2, 3, 4));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            r#"{"alcohol":"9.4","is_red":1,"region":"Douro","prediction":null,"probability":null}"#
        );
        assert_eq!(lines[2], r#"{"prediction":null,"probability":null}"#);
        assert_eq!(
            lines[3],
            r#"{"alcohol":1e400,"is_red":1,"region":"Douro","prediction":null,"probability":null}"#
        );
    }
}

#[test]
fn a_file_of_bad_rows_alone_is_read_to_its_end() {
    let text = format!("alcohol,is_red,region\n{}", "strong,1,Douro\n".repeat(20_000));
    let summary = csv(&scoring().bad_rows(BadRows::Skip), &text).unwrap().1;
    assert_eq!((summary.n_scored, summary.n_skipped), (0, 20_000));
}

#[test]
fn what_cannot_be_read_or_written_is_said() {
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let header = &b"alcohol,is_red,region\n1,1,Douro\n"[..];
    assert!(matches!(scoring().csv(Broken, Vec::new()), Err(BatchError::Read(_))));
    assert!(matches!(scoring().csv(header.chain(Broken), Vec::new()), Err(BatchError::Read(_))));
    let error = scoring().csv(header, Broken).unwrap_err();
    assert!(matches!(error, BatchError::Write(error) if error.kind() == io::ErrorKind::BrokenPipe));
}

#[test]
fn all_bytes_are_told_of() {
    let n_bytes = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&n_bytes);
    let scoring = scoring().on_read(move |n_bytes| _ = told.fetch_add(n_bytes, Ordering::Relaxed));
    csv(&scoring, WINES).unwrap();
    assert_eq!(n_bytes.load(Ordering::Relaxed), WINES.len() as u64);
}

#[test]
fn a_model_that_fails_or_answers_for_other_rows_is_an_error() {
    #[derive(Debug)]
    struct Short(Arc<Schema>);

    impl OutlierDetector for Short {
        fn schema(&self) -> &Arc<Schema> {
            &self.0
        }

        fn threshold(&self) -> f64 {
            0.0
        }

        fn score(&self, _: &Records) -> Result<Vec<f64>, PredictError> {
            Ok(vec![1.0])
        }
    }

    let scoring = scoring().outliers(Short(schema()));
    let two = "alcohol,is_red,region\n1,1,Douro\n1,1,Douro\n";
    assert!(matches!(csv(&scoring, two), Err(BatchError::Predict(_))));
}

proptest::proptest! {
    #[test]
    fn rows_are_cut_where_the_reader_cuts_them(text in "[a1\",\n\r]{0,40}") {
        let text = format!("alcohol,is_red,region\n1,1,Douro\n{text}\n1,1,Douro\n");
        let read = Records::from_csv(&schema(), text.as_bytes(), RecordsLimits::default());
        let scored = csv(&scoring(), &text);
        // A quote that is left open has a name of its own; what else is wrong, is so for both.
        match read {
            Ok(records) => proptest::prop_assert_eq!(scored.unwrap().1.n_scored, records.n_rows() as u64),
            Err(_) => proptest::prop_assert!(scored.is_err()),
        }
    }

    #[test]
    fn a_batch_comes_to_what_its_rows_come_to(lines in proptest::collection::vec("([1a\n]|\"[1a\n,]?\"){0,3},1,(Douro|Porto)", 0..40)) {
        let text = format!("alcohol,is_red,region\n{}\n", lines.join("\n"));
        for bad_rows in [BadRows::Stop, BadRows::Skip, BadRows::Null] {
            let outcome = |n| {
                let outcome = csv(&scoring().bad_rows(bad_rows).batch_rows(rows(n)), &text);
                outcome.map_err(|error| error.to_string())
            };
            let one_by_one = outcome(1);
            for n in [2, 7, 100] {
                proptest::prop_assert_eq!(outcome(n), one_by_one.clone());
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        for bad_rows in [BadRows::Stop, BadRows::Skip, BadRows::Null] {
            let scoring = scoring().bad_rows(bad_rows);
            let _ = scoring.csv(&[b"alcohol,is_red,region\n", &*bytes].concat()[..], io::sink());
            let _ = scoring.csv(&*bytes, io::sink());
            let _ = scoring.json_lines(&*bytes, io::sink());
        }
    }
}
