use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use mlops_benches::file;
use mlops_core::{Feature, LoadContext, LoadModel, ModelDir, OutlierDetector, Schema};
use mlops_outlier::{IsolationForest, Scratch};
use serde_json::{Value, json};

use crate::table::Table;

/// What every forest among the files says about every table among them.
pub(crate) fn golden(paths: &[PathBuf]) -> Result<Value, Box<dyn Error>> {
    let (mut models, mut tables) = (Vec::new(), Vec::new());
    for path in paths {
        sort(path, true, &mut models, &mut tables)?;
    }
    if models.is_empty() || tables.is_empty() {
        return Err("expected a forest and a table of rows".into());
    }
    let mut answers = Vec::new();
    for model in &models {
        for table in &tables {
            let n_columns = table.rows.first().map_or(0, Vec::len);
            match load(model, n_columns) {
                Ok(forest) => answers.push(answer(model, &forest, table)),
                // Of a folder, what is no forest or of another width is left out by name.
                Err(error) => answers.push(json!({
                    "model": model, "rows": table.path, "error": error.to_string(),
                })),
            }
        }
    }
    Ok(answers.into())
}

/// Tells models from tables; a folder with an `MLmodel` file is a model.
fn sort(
    path: &Path,
    is_named: bool,
    models: &mut Vec<PathBuf>,
    tables: &mut Vec<Table>,
) -> Result<(), Box<dyn Error>> {
    if path.join("MLmodel").is_file() {
        models.push(path.to_owned());
    } else if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_, std::io::Error>>()?;
        entries.sort();
        for entry in entries {
            sort(&entry, false, models, tables)?;
        }
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let has = |part: &str| name.contains(part);
        if has(".csv") || (has(".json") && !has(".gz")) {
            tables.extend(Table::read(path)?);
        } else if is_named || has(".pkl") || has(".joblib") || has(".skops") {
            models.push(path.to_owned());
        }
    }
    Ok(())
}

fn load(path: &Path, n_columns: usize) -> Result<IsolationForest, Box<dyn Error>> {
    let features = (0..n_columns).map(|column| Feature::numeric(format!("x{column}")));
    let schema = Arc::new(Schema::new(features.collect())?);
    if path.is_dir() {
        let context = LoadContext::new().schema(schema);
        return Ok(IsolationForest::load(&ModelDir::open(path)?, &context)?);
    }
    let mut bytes = file(path);
    if bytes.starts_with(b"\x1f\x8b") {
        let mut content = Vec::new();
        GzDecoder::new(&*bytes).read_to_end(&mut content)?;
        bytes = content;
    }
    Ok(IsolationForest::from_sklearn(&bytes, schema)?)
}

fn answer(model: &Path, forest: &IsolationForest, table: &Table) -> Value {
    let mut scratch = Scratch::default();
    let rows = table.rows.iter();
    let sums: Vec<f64> = rows.map(|row| forest.depth_sum(row, &mut scratch)).collect();
    let scores: Vec<f64> = sums.iter().map(|sum| forest.instance_score(*sum)).collect();
    let is_outlier: Vec<u8> =
        scores.iter().map(|score| u8::from(*score > forest.threshold())).collect();
    json!({
        "model": model,
        "rows": table.path,
        "threshold": forest.threshold(),
        "lowest_score": forest.lowest_score(),
        "highest_score": forest.highest_score(),
        "depth_sum": sums.iter().map(|sum| hexadecimal(*sum)).collect::<Vec<_>>(),
        "instance_score": scores,
        "is_outlier": is_outlier,
    })
}

/// A positive number as Python's `float.hex` writes it.
fn hexadecimal(value: f64) -> String {
    if value == 0.0 {
        return "0x0.0p+0".to_owned();
    }
    let exponent = (value.to_bits() >> 52).cast_signed() - 1023;
    format!("0x1.{:013x}p{exponent:+}", value.to_bits() & ((1 << 52) - 1))
}
