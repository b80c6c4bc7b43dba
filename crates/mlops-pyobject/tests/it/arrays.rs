use serde_json::{Value, json};

use mlops_pyobject::{Array, Error, Kind};

use crate::support;

const FILES: [&str; 7] = [
    "arrays.p0.pkl",
    "arrays.p1.pkl",
    "arrays.p2.pkl",
    "arrays.p3.pkl",
    "arrays.p4.pkl",
    "arrays.p5.pkl",
    "arrays.joblib",
];

#[test]
fn arrays_of_every_type_are_what_they_were_in_every_format() {
    let expected = support::json("arrays.json");
    for file in FILES {
        let graph = support::graph(file);
        for (name, expected) in expected.as_object().unwrap() {
            let array = graph.root().entry(name).unwrap().array().unwrap();
            assert_eq!(json!(array.shape()), expected["shape"], "{file} {name}");
            match &expected["values"] {
                Value::Array(values) => assert_eq!(&plain(&array), values, "{file} {name}"),
                Value::Object(fields) => {
                    for (field, values) in fields {
                        let array = array.field(field).unwrap();
                        assert_eq!(json!(plain(&array)), *values, "{file} {name} {field}");
                    }
                }
                _ => assert_eq!(array.dtype(), "S2"),
            }
        }
    }
}

#[test]
fn matrices_have_rows_and_columns_in_any_order() {
    for file in FILES {
        let graph = support::graph(file);
        let matrix = graph.root().entry("fortran").unwrap().array().unwrap().matrix().unwrap();
        assert_eq!(matrix, ndarray::array![[0.0, 0.25, 0.5], [0.75, 1.0, 1.25]], "{file}");
        let cube = graph.root().entry("cube").unwrap().array().unwrap();
        assert!(matches!(cube.matrix(), Err(Error::Unexpected { .. })), "{file}");
        let empty = graph.root().entry("empty").unwrap().array().unwrap();
        assert_eq!(empty.matrix().unwrap().dim(), (0, 3), "{file}");
    }
}

#[test]
fn scalars_and_containers_are_what_they_were_in_every_format() {
    for file in FILES {
        let graph = support::graph(file);
        let root = graph.root();
        let entry = |name| root.entry(name).unwrap();
        assert_eq!(entry("float64").float().unwrap(), 0.1, "{file}");
        assert_eq!(entry("float32").float().unwrap(), 0.5, "{file}");
        assert_eq!(entry("int64").integer().unwrap(), -7, "{file}");
        assert_eq!(entry("int64").float().unwrap(), -7.0, "{file}");
        assert!(entry("bool_").boolean().unwrap(), "{file}");
        assert_eq!(entry("scalar_array").float().unwrap(), 2.5, "{file}");
        assert_eq!(entry("negative").integer().unwrap(), -(1 << 40), "{file}");
        assert_eq!(entry("infinity").float().unwrap(), f64::NEG_INFINITY, "{file}");
        assert!(matches!(entry("long").integer(), Err(Error::Invalid { .. })), "{file}");
        assert_eq!(entry("unicode").text().unwrap(), "n\u{e9} \u{1f377}", "{file}");
        assert_eq!(entry("bytes").bytes().unwrap(), b"\0\xff", "{file}");
        assert_eq!(entry("empty_bytes").bytes().unwrap(), b"", "{file}");
        assert_eq!(entry("bytearray").bytes().unwrap(), b"ab", "{file}");
        assert_eq!(entry("set").items().unwrap()[0].integer().unwrap(), 5, "{file}");
        assert_eq!(entry("frozenset").item(0).unwrap().integer().unwrap(), 6, "{file}");
        let slice = entry("slice").slice().unwrap();
        assert_eq!((slice.start, slice.stop, slice.step), (Some(1), None, Some(2)), "{file}");
        let lengths = entry("tuple").items().unwrap();
        let lengths: Vec<_> = lengths.iter().map(|tuple| tuple.items().unwrap().len()).collect();
        assert_eq!(lengths, [0, 1, 2, 3, 4], "{file}");
        let keys = entry("keys").entries().unwrap();
        let kinds: Vec<_> = keys.iter().map(|(key, _)| key.kind()).collect();
        assert_eq!(kinds, [Kind::Integer, Kind::Text, Kind::None], "{file}");
        assert_eq!(keys[0].1.path(), "root['keys'][1]", "{file}");
        let objects = entry("objects").array().unwrap().objects().unwrap();
        assert_eq!(objects[0].text().unwrap(), "x", "{file}");
        assert_eq!(objects[2].integer().unwrap(), 3, "{file}");
    }
}

#[test]
fn numbers_are_converted_only_if_nothing_is_lost() {
    let graph = support::graph("arrays.p5.pkl");
    let array = |name| graph.root().entry(name).unwrap().array().unwrap();
    let error = array("extremes").floats().unwrap_err();
    assert_eq!(error.to_string(), "`root['extremes']` is an array with an integer beyond 53 bits");
    let error = array("text").floats().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`root['text']` is an array of type `U7`, expected an array of numbers"
    );
    assert!(matches!(array("<f8").integers(), Err(Error::Unexpected { .. })));
    assert!(matches!(array("bool").floats(), Err(Error::Unexpected { .. })));
}

fn plain(array: &Array<'_>) -> Vec<Value> {
    if array.is_boolean() {
        array.booleans().unwrap().into_iter().map(Value::from).collect()
    } else if array.is_integer() {
        array.integers().unwrap().into_iter().map(Value::from).collect()
    } else if let Ok(texts) = array.texts() {
        texts.into_iter().map(Value::from).collect()
    } else {
        array.floats().unwrap().into_iter().map(Value::from).collect()
    }
}
