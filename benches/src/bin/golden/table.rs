use std::error::Error;
use std::path::{Path, PathBuf};

use mlops_benches::file;
use serde::Deserialize;
use serde_json::Value;

/// Rows of numbers.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) path: PathBuf,
    /// The header of a CSV file.
    pub(crate) names: Option<Vec<String>>,
    pub(crate) rows: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Document {
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// Reads a table; a JSON file without `rows` is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        let bytes = file(path);
        let mut names = None;
        let rows = if path.extension().is_some_and(|extension| extension == "csv") {
            let mut reader = csv::Reader::from_reader(&*bytes);
            let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
            if !header.is_empty() && header.iter().all(|name| name.parse::<f64>().is_ok()) {
                return Err(format!("{}: the first line is no header", path.display()).into());
            }
            names = Some(header);
            let rows = reader.records().map(|record| {
                record?
                    .iter()
                    .map(|field| Ok(field.parse()?))
                    .collect::<Result<_, Box<dyn Error>>>()
            });
            // Other tables that lie beside one of rows hold texts.
            match rows.collect::<Result<Vec<Vec<f64>>, _>>() {
                Ok(rows) => rows,
                Err(_) => return Ok(None),
            }
        } else {
            let Ok(Document { rows }) = serde_json::from_slice(&bytes) else { return Ok(None) };
            let row = |row: &Vec<Value>| row.iter().map(number).collect::<Option<_>>();
            let rows: Option<Vec<Vec<f64>>> = rows.iter().map(row).collect();
            rows.ok_or_else(|| format!("{}: a row holds what is no number", path.display()))?
        };
        if rows.iter().any(|row| row.len() != rows[0].len()) {
            return Err(format!("{}: rows differ in length", path.display()).into());
        }
        Ok(Some(Self { path: path.to_owned(), names, rows }))
    }
}

/// A number, or its name where JSON has none.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Null => Some(f64::NAN),
        _ => value.as_f64(),
    }
}
