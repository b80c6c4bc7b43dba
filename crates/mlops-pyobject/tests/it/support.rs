use std::fs;
use std::path::Path;

use flate2::Crc;
use mlops_pyobject::sklearn::Pipeline;
use mlops_pyobject::{Graph, Kind, Limits, Object, read};
use serde_json::Value;

/// A file of `tests/data`.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

pub(crate) fn graph(name: &str) -> Graph {
    read(&sample(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).unwrap()
}

/// A table of numbers in Python's hexadecimal notation.
pub(crate) fn hex_table(value: &Value) -> Vec<Vec<f64>> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(hex).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

pub(crate) fn hex(value: &Value) -> f64 {
    let text = value.as_str().unwrap();
    if text == "nan" {
        return f64::NAN;
    }
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |text| (-1.0, text));
    let (mantissa, exponent) = text.strip_prefix("0x").unwrap().split_once('p').unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap();
    let exponent = exponent.parse::<i32>().unwrap() - 4 * i32::try_from(fraction.len()).unwrap();
    // In two steps, because the factor alone may be no number of 64 bits.
    let half = exponent / 2;
    sign * digits as f64 * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - half)
}

/// Bit for bit, where NaN is NaN.
pub(crate) fn same(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
}

/// Asks an object and some of the objects in it for everything that can be asked for.
pub(crate) fn ask(object: &Object<'_>, patience: &mut usize) {
    if *patience == 0 {
        return;
    }
    *patience -= 1;
    let _ = (object.boolean(), object.integer(), object.count(), object.float(), object.text());
    let _ = (object.bytes(), object.slice(), object.slice_of_names(), format!("{object:?}"));
    for name in ["steps", "transformers_", "mean_", "estimators_", "tree_", "nodes", "missing"] {
        if let Ok(Some(attribute)) = object.find_attribute(name) {
            ask(&attribute, patience);
        }
    }
    if let Ok(array) = object.array() {
        let _ = (array.floats(), array.integers(), array.booleans(), array.texts());
        let _ = (array.matrix(), array.objects());
        if let Ok(field) = array.field("threshold") {
            let _ = (field.floats(), field.matrix());
        }
    }
    if object.kind() == Kind::Instance {
        let _ = Pipeline::read(object).map(|pipeline| pipeline.preprocessing.map(|p| p.inputs()));
        let arguments = (0..3).map_while(|index| object.argument(index).ok());
        arguments.for_each(|argument| ask(&argument, patience));
    }
    for item in object.items().unwrap_or_default() {
        ask(&item, patience);
    }
    for (_, value) in object.entries().unwrap_or_default() {
        ask(&value, patience);
    }
}

/// A zip archive of stored files.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut checksum = Crc::new();
        checksum.update(content);
        let (checksum, size) = (checksum.sum(), u32::try_from(content.len()).unwrap());
        let length = u16::try_from(name.len()).unwrap();
        let start = u32::try_from(bytes.len()).unwrap();
        // Versions, flags, method, time and date are zero.
        let mut common = vec![0; 10];
        common.extend([checksum, size, size].iter().flat_map(|number| number.to_le_bytes()));
        common.extend(length.to_le_bytes());
        common.extend([0, 0]);
        bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), content].concat());
        let place = [&[0; 10][..], &start.to_le_bytes()].concat();
        directory.extend([b"PK\x01\x02\0\0", &common[..], &place, name.as_bytes()].concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let start = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &start, &[0, 0]].concat();
    [bytes, directory, end].concat()
}

/// The files of a stored archive, as their names and contents.
pub(crate) fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut rest = archive;
    while let [b'P', b'K', 3, 4, header @ ..] = rest {
        let size = u32::from_le_bytes(header[14..18].try_into().unwrap()) as usize;
        let name = usize::from(u16::from_le_bytes(header[22..24].try_into().unwrap()));
        let extra = usize::from(u16::from_le_bytes(header[24..26].try_into().unwrap()));
        let content = &header[26 + name + extra..];
        let text = String::from_utf8(header[26..26 + name].to_vec()).unwrap();
        files.push((text, content[..size].to_vec()));
        rest = &content[size..];
    }
    files
}
