use mlops_core::{Feature, RecordsError};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const RECORDS: &str = r#"[{"alcohol":9.4,"is_red":1,"region":"Minho"},
    {"alcohol":null,"is_red":0,"region":"Douro"},{"alcohol":1e1,"is_red":null,"region":null}]"#;

fn schema() -> Arc<Schema> {
    let features = vec![
        Feature::numeric("alcohol"),
        Feature::integer("is_red"),
        Feature::categorical("region", ["Douro", "Minho"]),
    ];
    Arc::new(Schema::new(features).unwrap())
}

fn read(body: &str) -> Result<Records, Error> {
    super::read(&schema(), MediaType::Json, body.as_bytes(), 100)
}

fn single(body: &str) -> Result<Records, Error> {
    let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol")]).unwrap());
    super::read(&schema, MediaType::Json, body.as_bytes(), 100)
}

fn bits(records: &Records) -> Vec<u64> {
    records.values().iter().map(|value| value.to_bits()).collect()
}

fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap()
}

fn message(outcome: Result<Records, Error>) -> String {
    match outcome {
        Err(error) => error.to_string(),
        Ok(records) => panic!("expected an error, got {records:?}"),
    }
}

fn violations(body: &str) -> String {
    match read(body) {
        Err(Error::Records(RecordsError::Invalid(violations))) => {
            violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        other => panic!("expected violations, got {other:?}"),
    }
}

#[test]
fn every_format_holds_the_same_records() {
    let expected =
        Records::from_json(&schema(), RECORDS.as_bytes(), RecordsLimits::default()).unwrap();
    for body in [
        &format!(r#"{{"dataframe_records":{RECORDS}}}"#),
        &format!(r#"{{"instances":{RECORDS},"params":{{"top":[1]}}}}"#),
        &format!(r#" {{"signature_name":[{{}}],"inputs":{RECORDS}}} "#),
        r#"{"dataframe_split":{"columns":["quality","region","is_red","alcohol"],"index":[0,1,2],"data":[[5,"Minho",1,9.4],[{},"Douro",0,null],[[],null,null,10]]}}"#,
        r#"{"dataframe_split":{"data":[[9.4,1.0,"Minho"],[null,0,"Douro"],[10,null,null]],"columns":["alcohol","is_red","region"]}}"#,
        r#"{"instances":[[9.4,1,"Minho"],[null,0,"Douro"],[10,null,null]]}"#,
        r#"{"inputs":[[9.4,1,"Minho"],{"region":"Douro","alcohol":null,"is_red":0,"quality":[1]},[10,null,null]]}"#,
        r#"{"inputs":{"region":["Minho","Douro",null],"quality":[1],"alcohol":[9.4,null,10],"is_red":[[1],[0],[null]]}}"#,
        r#"{"instances":{"is_red":[1,0,null],"region":[["Minho"],["Douro"],[null]],"alcohol":[9.4,null,10]}}"#,
    ] {
        assert_eq!(bits(&read(body).unwrap()), bits(&expected), "{body}");
    }
    let csv = b",alcohol,is_red,region\n0,9.4,1,Minho\n1,,0,Douro\n2,10.0,,\n";
    let records = super::read(&schema(), MediaType::Csv, csv, 100).unwrap();
    assert_eq!(bits(&records), bits(&expected));
}

/// What `tests/data/invocations.py` writes.
#[derive(Deserialize)]
struct Golden {
    accepted: Vec<String>,
    not_json: String,
    csv: String,
    tensor: String,
    refused: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    body: String,
    error_code: String,
    message: String,
}

#[test]
fn requests_are_read_and_refused_as_by_mlflow() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../../tests/data/invocations.json")).unwrap();
    let frame = r#"[{"alcohol":9.4,"is_red":1,"region":"Minho"},
        {"alcohol":null,"is_red":0,"region":"Douro"},{"alcohol":10,"is_red":1,"region":null}]"#;
    let expected =
        Records::from_json(&schema(), frame.as_bytes(), RecordsLimits::default()).unwrap();
    for body in &golden.accepted {
        assert_eq!(bits(&read(body).unwrap()), bits(&expected), "{body}");
    }
    let csv = super::read(&schema(), MediaType::Csv, golden.csv.as_bytes(), 100).unwrap();
    assert_eq!(bits(&csv), bits(&expected));
    let numbers = vec![Feature::numeric("alcohol"), Feature::integer("is_red")];
    let numbers = Arc::new(Schema::new(numbers).unwrap());
    let tensor = super::read(&numbers, MediaType::Json, golden.tensor.as_bytes(), 100).unwrap();
    let rows: Vec<_> = tensor.rows().collect();
    assert_eq!(rows, [[9.4, 1.0], [9.8, 0.0], [10.0, 1.0]]);
    assert!(matches!(read(&golden.not_json), Err(Error::MalformedJson { .. })));
    for Refusal { body, error_code, message } in &golden.refused {
        let expected = serde_json::json!({ "error_code": error_code, "message": message });
        assert_eq!(serde_json::to_value(read(body).unwrap_err()).unwrap(), expected, "{body}");
    }
}

#[test]
fn a_row_of_one_feature_may_be_its_value() {
    let expected = single(r#"{"instances":[{"alcohol":9.4},{"alcohol":null}]}"#).unwrap();
    for body in [
        r#"{"instances":[9.4,null]}"#,
        r#"{"inputs":[[9.4],[null]]}"#,
        r#"{"inputs":{"alcohol":[9.4,null]}}"#,
    ] {
        assert_eq!(bits(&single(body).unwrap()), bits(&expected), "{body}");
    }
    insta::assert_snapshot!(
        message(single(r#"{"inputs":[9,1e400]}"#)),
        @"Invalid input. Data is not compatible with model signature. Error: 'row 1, field `alcohol`: the number is too large'"
    );
}

#[test]
fn every_violation_is_named_by_row_and_field() {
    insta::assert_snapshot!(violations(
        r#"{"dataframe_split":{"columns":["alcohol","is_red","region"],"data":[["9.4",0.5,"Alentejo"],[1,1],[1,1,"Douro",2],7,{},[],[true,{},[1]]]}}"#
    ), @"
    row 0, field `alcohol`: the value has the wrong type
    row 0, field `is_red`: expected a whole number
    row 0, field `region`: the value is none of the feature's levels
    row 1, expected one value for each column
    row 2, expected one value for each column
    row 3, expected one value for each column
    row 4, expected one value for each column
    row 5, expected one value for each column
    row 6, field `alcohol`: the value has the wrong type
    row 6, field `is_red`: the value has the wrong type
    row 6, field `region`: the value has the wrong type
    ");
    insta::assert_snapshot!(violations(
        r#"{"instances":[[1,1],7,{"alcohol":1,"alcohol":2,"is_red":1},[1e39,1,"Douro"],null]}"#
    ), @"
    row 0, expected one value for each column
    row 1, expected an object with the fields of a row
    row 2, field `alcohol`: the field stands twice
    row 2, field `region`: the field is missing; `null` stands for a missing value
    row 3, field `alcohol`: the number is too large
    row 4, expected an object with the fields of a row
    ");
}

#[test]
fn columns_are_all_there_and_equally_long() {
    insta::assert_snapshot!(violations(r#"{"inputs":{"alcohol":[],"is_red":[1,0],"alcohol":[1]}}"#), @"
    field `is_red`: expected one value for each row
    field `alcohol`: the field stands twice
    field `region`: the field is missing; `null` stands for a missing value
    ");
    insta::assert_snapshot!(violations(
        r#"{"inputs":{"alcohol":7,"is_red":[[1,0],[[1]],[],{}],"region":["Douro"]}}"#
    ), @"
    field `alcohol`: the value has the wrong type
    row 0, field `is_red`: the value has the wrong type
    row 1, field `is_red`: the value has the wrong type
    row 2, field `is_red`: the value has the wrong type
    row 3, field `is_red`: the value has the wrong type
    field `region`: expected one value for each row
    ");
    insta::assert_snapshot!(violations(
        r#"{"dataframe_split":{"columns":["is_red","is_red"],"data":[[1,2]]}}"#
    ), @"
    field `is_red`: the field stands twice
    field `alcohol`: the field is missing; `null` stands for a missing value
    field `region`: the field is missing; `null` stands for a missing value
    ");
}

#[test]
fn a_body_without_rows_is_refused() {
    for data in [
        r#""instances":[]"#,
        r#""inputs":{"alcohol":[],"is_red":[],"region":[]}"#,
        r#""dataframe_records":[]"#,
        r#""dataframe_split":{"columns":["alcohol","is_red","region"],"data":[]}"#,
    ] {
        assert_eq!(violations(&format!("{{{data}}}")), "expected at least one row", "{data}");
    }
}

#[test]
fn rows_above_the_limit_are_refused() {
    let too_many = Error::Records(RecordsError::TooManyRows { limit: 100 });
    let rows = format!("[{}7]", r#"[1,1,"Douro"],"#.repeat(100));
    let column = format!("[{}{{}}]", "1,".repeat(100));
    for body in [
        format!(r#"{{"instances":{rows}}}"#),
        format!(
            r#"{{"dataframe_split":{{"columns":["alcohol","is_red","region"],"data":{rows}}}}}"#
        ),
        format!(r#"{{"inputs":{{"alcohol":{column}}}}}"#),
    ] {
        assert_eq!(read(&body).unwrap_err(), too_many, "{body:.30}");
    }
}

#[test]
fn exactly_one_format_is_taken() {
    let start = |body| message(read(body)).split(" IMPORTANT").next().unwrap().to_owned();
    insta::assert_snapshot!(start("{}"), @"The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}. Received dictionary with input fields: [].");
    insta::assert_snapshot!(start(r#"{"inputs":[1],"instances":[1]}"#), @"The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}. Received dictionary with input fields: ['inputs', 'instances'].");
    insta::assert_snapshot!(start(r#"{"inputs":[1],"inputs":[1]}"#), @"The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}. Received dictionary with input fields: ['inputs', 'inputs'].");
    insta::assert_snapshot!(start("[[1]]"), @"Invalid input. The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}. Received a list.");
    insta::assert_snapshot!(start("1.5"), @"Invalid input. The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}. Received unexpected input type '<class 'float'>.");
    let many = format!(r#"{{{}"inputs":1}}"#, r#""inputs":1,"#.repeat(1000));
    assert!(message(read(&many)).len() < 1200);
}

#[test]
fn what_is_not_of_its_format_is_said_so() {
    let names = r#""columns":["alcohol","is_red","region"]"#;
    let split = |fields: &str| message(read(&format!(r#"{{"dataframe_split":{{{fields}}}}}"#)));
    insta::assert_snapshot!(message(read(r#"{"dataframe_records":{}}"#)), @"Invalid input. Dataframe records format must be a list of records. Got dictionary.");
    insta::assert_snapshot!(message(read(r#"{"dataframe_records":true}"#)), @"Invalid input. Dataframe records format must be a list of records. Got type <class 'bool'>.");
    insta::assert_snapshot!(message(read(r#"{"dataframe_split":[]}"#)), @"Invalid input. Dataframe split format must be a dictionary. Got list.");
    insta::assert_snapshot!(message(read(r#"{"instances":"a"}"#)), @"Invalid input. Expected `instances` to be a list of rows or a dictionary of columns. Got type <class 'str'>.");
    insta::assert_snapshot!(message(read(r#"{"inputs":null,"params":null}"#)), @"Invalid input. Expected `params` to be a dictionary.");
    insta::assert_snapshot!(message(read(r#"{"inputs":null,"params":{}}"#)), @"Invalid input. Expected `inputs` to be a list of rows or a dictionary of columns. Got type <class 'NoneType'>.");
    insta::assert_snapshot!(split(names), @"Invalid input. Dataframe split format must have 'data' and 'columns' fields, both lists, and optionally an 'index' field, and no others.");
    for fields in [r#""data":[]"#, r#""data":[],"columns":{}"#, r#""data":[],"data":[]"#] {
        assert_eq!(split(fields), Error::SplitFields.to_string());
    }
    assert_eq!(split(&format!(r#"{names},"data":[],"secret":1"#)), Error::SplitFields.to_string());
    assert_eq!(split(r#""columns":[0,1],"data":[]"#), Error::SplitNames.to_string());
}

#[test]
fn what_is_not_json_is_said_so() {
    let deep = format!(r#"{{"inputs":{}"#, "[".repeat(100_000));
    for body in ["", "{", r#"{"inputs":[NaN]}"#, r#"{"inputs":[01]}"#, r#"{"inputs":[]}x"#, &deep] {
        assert!(matches!(read(body), Err(Error::MalformedJson { .. })), "{body:.20}");
    }
    let not_utf8 = super::read(&schema(), MediaType::Json, b"{\"inputs\":[\"\xff\"]}", 100);
    assert!(matches!(not_utf8, Err(Error::MalformedJson { line: 1, .. })), "{not_utf8:?}");
    assert_eq!(read(r#"{"inputs":[[1,1,"\ud800"]]}"#).unwrap_err(), Error::BrokenText);
    let deep = format!(r#"{{"inputs":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert!(violations(&deep).starts_with("row 0"));
    let csv = super::read(&schema(), MediaType::Csv, b"alcohol,\"is_red", 100);
    insta::assert_snapshot!(message(csv), @"Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted Pandas DataFrame produced using the `pandas.DataFrame.to_csv()` method. Error: 'malformed CSV at line 1'");
}

#[test]
fn answers_and_errors_are_written_as_mlflow_writes_them() {
    insta::assert_snapshot!(json(&Answer { predictions: [1, 0] }), @r#"{"predictions":[1,0]}"#);
    insta::assert_snapshot!(json(&Answer { predictions: [0.25, 1.0] }), @r#"{"predictions":[0.25,1.0]}"#);
    insta::assert_snapshot!(json(&Error::Params), @r#"{"error_code":"BAD_REQUEST","message":"Invalid input. Expected `params` to be a dictionary."}"#);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = super::read(&schema(), MediaType::Json, &bytes, 100);
        let _ = super::read(&schema(), MediaType::Csv, &bytes, 100);
    }

    #[test]
    fn no_data_make_the_reader_panic(
        format in "inputs|instances|dataframe_split|dataframe_records",
        data in r#"(\[|\]|\{|\}|,|:|"data"|"columns"|"alcohol"|1e400|1|null|true|\["alcohol"\]| ){0,24}"#,
    ) {
        let _ = read(&format!(r#"{{"{format}":{data}}}"#));
        let _ = single(&format!(r#"{{"{format}":{data}}}"#));
    }
}
