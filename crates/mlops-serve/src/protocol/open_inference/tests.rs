use std::sync::Arc;

use mlops_core::{Feature, Records, RecordsError, RecordsLimits, Schema};
use proptest::prelude::*;

use super::request::{InferRequest, read};
use super::*;

const OUTPUTS: [&str; 3] = ["predict", "predict_proba", "is_outlier"];

fn wine() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Feature::numeric("alcohol"), Feature::integer("is_red")]).unwrap())
}

fn mixed() -> Arc<Schema> {
    let region = Feature::categorical("region", ["Douro", "Minho"]);
    Arc::new(Schema::new(vec![Feature::numeric("alcohol"), region]).unwrap())
}

fn request(schema: &Arc<Schema>, body: &str) -> Result<InferRequest, Error> {
    read(schema, &OUTPUTS, body.as_bytes(), 100)
}

/// A request with these inputs.
fn inputs(schema: &Arc<Schema>, inputs: &str) -> Result<Records, Error> {
    request(schema, &format!(r#"{{"inputs":[{inputs}]}}"#)).map(|request| request.records)
}

/// A request with one tensor.
fn matrix(shape: &str, datatype: &str, data: &str) -> Result<Records, Error> {
    let tensor = format!(r#"{{"name":"x","shape":{shape},"datatype":"{datatype}","data":{data}}}"#);
    inputs(&wine(), &tensor)
}

/// A request with one column, the strengths of red wines.
fn column(datatype: &str, data: &str) -> Result<Records, Error> {
    let n = data.split(',').count();
    let red = format!(
        r#"{{"name":"is_red","shape":[{n}],"datatype":"BOOL","data":[{}true]}}"#,
        "1,".repeat(n - 1)
    );
    inputs(
        &wine(),
        &format!(
            r#"{{"name":"alcohol","shape":[{n},1],"datatype":"{datatype}","data":[{data}]}},{red}"#
        ),
    )
}

fn message<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    outcome.unwrap_err().to_string()
}

fn bits(records: &Records) -> Vec<u64> {
    records.values().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn one_tensor_and_one_for_each_feature_hold_the_same_records() {
    let rows =
        br#"[{"alcohol":9.4,"is_red":1},{"alcohol":null,"is_red":0},{"alcohol":10,"is_red":1}]"#;
    let expected = Records::from_json(&wine(), rows, RecordsLimits::default()).unwrap();
    for tensors in [
        r#"{"name":"input-0","shape":[3,2],"datatype":"FP32","data":[9.4,1,null,0,10,1]}"#,
        r#"{"data":[[9.4,1],[null,0],[10,1]],"datatype":"FP64","shape":[3,2],"name":"","parameters":{}}"#,
        r#"{"name":"is_red","shape":[3],"datatype":"BOOL","data":[true,false,1]},
           {"name":"alcohol","shape":[3,1],"datatype":"FP64","data":[9.4,null,10],"parameters":{"content_type":"pd"}}"#,
        r#"{"name":"alcohol","shape":[3,1],"datatype":"FP16","data":[ [9.4],[null],[10.0]]},
           {"name":"is_red","shape":[3,1],"datatype":"UINT8","data":[1,0,1.0]}"#,
    ] {
        assert_eq!(bits(&inputs(&wine(), tensors).unwrap()), bits(&expected), "{tensors}");
    }
}

#[test]
fn levels_are_bytes() {
    let alcohol = r#"{"name":"alcohol","shape":[2],"datatype":"FP64","data":[9.4,9.8]}"#;
    let region = |datatype: &str, data: &str| {
        let region =
            format!(r#"{{"name":"region","shape":[2],"datatype":"{datatype}","data":{data}}}"#);
        inputs(&mixed(), &format!("{region},{alcohol}"))
    };
    let rows = br#"[{"alcohol":9.4,"region":"Minho"},{"alcohol":9.8,"region":null}]"#;
    let expected = Records::from_json(&mixed(), rows, RecordsLimits::default()).unwrap();
    assert_eq!(bits(&region("BYTES", r#"["Minho",null]"#).unwrap()), bits(&expected));
    insta::assert_snapshot!(message(region("BYTES", r#"["Minho","Alentejo"]"#)), @"row 1, field `region`: the value is none of the feature's levels");
    insta::assert_snapshot!(message(region("INT8", "[1,0]")), @"row 0, field `region`: the value has the wrong type; row 1, field `region`: the value has the wrong type");
    insta::assert_snapshot!(message(region("BYTES", r#"["Minho",1]"#)), @"element 1 of input 0 is not of the input's datatype");
    assert_eq!(
        region("BYTES", r#"["Minho","\ud800"]"#).unwrap_err(),
        Error::BrokenText { input: 0 }
    );
}

#[test]
fn a_tensor_of_one_feature_has_any_name_if_it_has_rows() {
    let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol")]).unwrap());
    let tensor = |name: &str, shape: &str| {
        inputs(
            &schema,
            &format!(r#"{{"name":"{name}","shape":{shape},"datatype":"FP64","data":[9.4]}}"#),
        )
    };
    assert_eq!(tensor("x", "[1,1]").unwrap().row(0)[0], 9.4);
    assert_eq!(tensor("alcohol", "[1]").unwrap().row(0)[0], 9.4);
    insta::assert_snapshot!(message(tensor("x", "[1]")), @"field `x`: the field is not in the schema; field `alcohol`: the field is missing; `null` stands for a missing value");
}

#[test]
fn elements_are_of_the_datatype() {
    for (datatype, good, bad) in [
        ("BOOL", "true,false,0,1.0", ["2", "0.5", "null", r#""a""#]),
        ("UINT8", "0,255,1e1", ["256", "-1", "0.5", "true"]),
        ("INT8", "-128,127", ["128", "-129", "1e-1", "null"]),
        ("UINT64", "18446744073709551615", ["18446744073709551616", "-1", "{}", "[1]"]),
        ("INT64", "-9223372036854775808", ["9223372036854775808", "1e19", r#""1""#, "0.1"]),
        ("FP16", "65504.0,-1,null", ["65520", "-1e5", "true", "{}"]),
        ("FP32", "3.4e38,null", ["true", r#""NaN""#, "{}", "[]"]),
    ] {
        assert!(column(datatype, good).is_ok(), "{datatype}: {good}");
        for bad in bad {
            let text =
                message(column(datatype, &format!("{},{bad}", good.split(',').next().unwrap())));
            let nested = bad.starts_with('[');
            let expected = if nested { "flat or nested" } else { "element 1 of input 0" };
            assert!(text.contains(expected), "{datatype}: {bad}: {text}");
        }
    }
    insta::assert_snapshot!(message(column("FP64", "1,1e400")), @"row 1, field `alcohol`: the number is too large");
    insta::assert_snapshot!(message(column("FP32", "1e39,1")), @"row 0, field `alcohol`: the number is too large");
    insta::assert_snapshot!(message(column("BYTES", r#""9.4""#)), @"row 0, field `alcohol`: the value has the wrong type");
    insta::assert_snapshot!(message(matrix("[1,2]", "FP32", "[1,0.5]")), @"row 0, field `is_red`: expected a whole number");
    assert!(matches!(column("FP32", "NaN"), Err(Error::MalformedJson { line: 1, .. })));
}

#[test]
fn shape_and_data_agree() {
    insta::assert_snapshot!(message(matrix("[2,2]", "FP32", "[1,2,3]")), @"expected the data of input 0 to be 4 values, as its shape says");
    insta::assert_snapshot!(message(matrix("[1,2]", "FP32", "[1,1,1]")), @"expected the data of input 0 to be 2 values, as its shape says");
    insta::assert_snapshot!(message(matrix("[2,2]", "FP32", "[[1],[1,1,1]]")), @"expected the data of input 0 to be flat or nested as its shape says");
    for data in ["[[1,1],1,1]", "[1,1,[1,1]]", "[[1,[1]],[1,1]]", "[[[1,1],[1,1]]]", "[[1,1],{}]"] {
        assert_eq!(
            matrix("[2,2]", "FP32", data).unwrap_err(),
            Error::Nesting { input: 0 },
            "{data}"
        );
    }
    insta::assert_snapshot!(message(matrix("[4611686018427387904,4]", "FP32", "[]")), @"the elements of input 0 are too many to be counted");
    insta::assert_snapshot!(message(matrix("[1,3]", "FP32", "[1,1,1]")), @"expected one tensor of shape [n, 2], or for each feature one of shape [n] or [n, 1]; input 0 is neither");
    for shape in ["[]", "[1,2,1]", "[2,0]", "[1,1,1,1,1,1,1,1,1]"] {
        assert_eq!(
            matrix(shape, "FP32", "[1,1]").unwrap_err(),
            Error::Shape { input: 0, features: 2 },
            "{shape}"
        );
    }
    for shape in ["[-1,2]", "[1.5,2]", "2", "null", "{}", "[18446744073709551616,1]"] {
        let text = message(matrix(shape, "FP32", "[1,1]"));
        assert_eq!(text, "expected `shape` of input 0 to be a list of sizes", "{shape}");
    }
    insta::assert_snapshot!(message(matrix("[0,2]", "FP32", "[]")), @"expected at least one row");
    insta::assert_snapshot!(message(inputs(&wine(), r#"{"name":"alcohol","shape":[2],"datatype":"FP32","data":[1,2]},
        {"name":"is_red","shape":[1],"datatype":"INT8","data":[1]}"#)), @"input 1 has another number of rows than input 0");
    let nested = r#"{"name":"alcohol","shape":[1],"datatype":"FP32","data":[[1]]},{"name":"is_red","shape":[1],"datatype":"INT8","data":[1]}"#;
    assert_eq!(inputs(&wine(), nested).unwrap_err(), Error::Nesting { input: 0 });
}

#[test]
fn rows_above_the_limit_are_refused_before_the_data_are_read() {
    let too_many = Error::Records(RecordsError::TooManyRows { limit: 100 });
    assert_eq!(matrix("[101,2]", "FP32", "[{}]").unwrap_err(), too_many);
    assert_eq!(matrix("[1000000000000,2]", "FP32", "[]").unwrap_err(), too_many);
}

#[test]
fn every_feature_has_one_tensor() {
    let tensor =
        |name: &str| format!(r#"{{"name":"{name}","shape":[1],"datatype":"FP32","data":[1]}}"#);
    let names = |names: &[&str]| {
        message(inputs(
            &wine(),
            &names.iter().map(|name| tensor(name)).collect::<Vec<_>>().join(","),
        ))
    };
    insta::assert_snapshot!(names(&["alcohol", "alcohol", "colour"]), @"field `alcohol`: the field stands twice; field `colour`: the field is not in the schema; field `is_red`: the field is missing; `null` stands for a missing value");
    insta::assert_snapshot!(names(&[]), @"field `alcohol`: the field is missing; `null` stands for a missing value; field `is_red`: the field is missing; `null` stands for a missing value");
    insta::assert_snapshot!(names(&["x"; 35]), @"more than 34 inputs");
    assert_eq!(names(&["x"; 33]).matches("field `x`").count(), 32);
}

#[test]
fn the_request_is_what_the_protocol_says() {
    let error = |body: &str| message(request(&wine(), body));
    let tensor = r#"{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,1]}"#;
    let with = |fields: &str| format!(r#"{{"inputs":[{tensor}],{fields}}}"#);
    insta::assert_snapshot!(error("[]"), @"expected the request to be an object");
    insta::assert_snapshot!(error("{}"), @"expected `inputs` to be a list of tensors");
    insta::assert_snapshot!(error(r#"{"inputs":{}}"#), @"expected `inputs` to be a list of tensors");
    insta::assert_snapshot!(error(&with(r#""inputs":[]"#)), @"a field of the request stands twice");
    insta::assert_snapshot!(error(&with(r#""id":5"#)), @"expected `id` to be a string");
    insta::assert_snapshot!(error(&with(r#""parameters":[]"#)), @"expected `parameters` to be an object");
    insta::assert_snapshot!(error(r#"{"inputs":[["x",[1,2],"FP32",[1,1]]]}"#), @"expected input 0 to be an object whose fields stand once");
    insta::assert_snapshot!(error(r#"{"inputs":[{"name":"x","name":"y"}]}"#), @"expected input 0 to be an object whose fields stand once");
    for (field, expected) in [
        (r#""name":"x""#, "expected `name` of input 0 to be a string"),
        (r#""shape":[1,2]"#, "expected `shape` of input 0 to be a list of sizes"),
        (r#""datatype":"FP32""#, "expected `datatype` of input 0 to be one of the protocol's"),
        (r#""data":[1,1]"#, "expected `data` of input 0 to be a list"),
    ] {
        let without = tensor.replace(field, r#""other":1"#);
        assert_eq!(error(&format!(r#"{{"inputs":[{without}]}}"#)), expected);
    }
    let odd = tensor.replace(r#""shape""#, r#""parameters":1,"shape""#);
    insta::assert_snapshot!(error(&format!(r#"{{"inputs":[{odd}]}}"#)), @"expected `parameters` of input 0 to be an object");
    assert_eq!(
        message(matrix("[1,2]", "TF32", "[1,1]")),
        "expected `datatype` of input 0 to be one of the protocol's"
    );
    let deep = "[".repeat(100_000);
    for body in ["", "{", "nul", r#"{"inputs":[NaN]}"#, r#"{"inputs":[]}x"#, "\u{feff}{}", &deep] {
        assert!(matches!(request(&wine(), body), Err(Error::MalformedJson { .. })), "{body:.20}");
    }
    let json = serde_json::to_string(&Error::NotAnObject).unwrap();
    insta::assert_snapshot!(json, @r#"{"error":"expected the request to be an object"}"#);
}

#[test]
fn id_and_selected_outputs_are_handed_on() {
    let with = |fields: &str| {
        let tensor = r#"{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,1]}"#;
        request(&wine(), &format!(r#"{{{fields}"inputs":[{tensor}],"unknown":[{{}}]}}"#))
    };
    let plain = with("").unwrap();
    assert_eq!((plain.id, plain.outputs), (None, vec![0, 1, 2]));
    assert_eq!(with(r#""outputs":[],"#).unwrap().outputs, [0, 1, 2]);
    let selecting = with(
        r#""id":"4\"2","parameters":{},"outputs":[{"name":"is_outlier","parameters":{}},{"name":"predict"}],"#,
    )
    .unwrap();
    assert_eq!((selecting.id.as_deref(), selecting.outputs), (Some("4\"2"), vec![2, 0]));
    insta::assert_snapshot!(message(with(r#""outputs":[{"name":"predict"},{"name":"secret"}],"#)), @"output 1 is not one of the model's, or stands twice");
    insta::assert_snapshot!(message(with(r#""outputs":[{"name":"predict"},{"name":"predict"}],"#)), @"output 1 is not one of the model's, or stands twice");
    insta::assert_snapshot!(message(with(r#""outputs":[1,2,3,4],"#)), @"output 3 is not one of the model's, or stands twice");
    for outputs in ["{}", "[1]", r#"[["predict"]]"#, r#"[{"name":1}]"#] {
        let text = message(with(&format!(r#""outputs":{outputs},"#)));
        assert_eq!(text, "expected `outputs` to be a list of objects with a `name`");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = read(&wine(), &OUTPUTS, &bytes, 100);
    }

    #[test]
    fn no_tensor_makes_the_reader_panic(
        name in "alcohol|is_red|region|x",
        shape in r"\[[0-3](,[0-3])?\]|\[9{19}\]|\[\]",
        datatype in "BOOL|INT8|FP16|FP32|BYTES",
        data in r#"\[(\[|\]|,|1|1e400|null|true|"Douro"|\{\}){0,12}\]"#,
    ) {
        let tensor = format!(r#"{{"name":"{name}","shape":{shape},"datatype":"{datatype}","data":{data}}}"#);
        let _ = inputs(&wine(), &tensor);
        let _ = inputs(&mixed(), &format!("{tensor},{tensor}"));
    }

    #[test]
    fn numbers_are_read_as_in_records(values in prop::collection::vec(-3e38..3e38_f64, 1..20)) {
        let data: Vec<_> = values.iter().map(|value| format!("{value:e}")).collect();
        let records = column("FP64", &data.join(",")).unwrap();
        let read: Vec<u64> = records.column(0).iter().map(|value| value.to_bits()).collect();
        prop_assert_eq!(read, values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    }
}
