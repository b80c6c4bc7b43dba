use std::error::Error;
use std::path::PathBuf;

use mlops_benches::{file, numbers};
use mlops_xgboost::Booster;
use ndarray::Array2;
use serde_json::{Value, json};

use crate::table::Table;

/// What a booster says about the rows of a table.
pub(crate) fn golden(paths: &[PathBuf]) -> Result<Value, Box<dyn Error>> {
    let [model, rows] = paths else { return Err("expected a model and a table of rows".into()) };
    let booster = Booster::from_bytes(&file(model))?;
    let n_features = booster.n_features();
    let rows = if rows.extension().is_some_and(|extension| extension == "f32") {
        let values: Vec<f64> = numbers(rows).into_iter().map(f64::from).collect();
        Array2::from_shape_vec((values.len() / n_features.max(1), n_features), values)?
    } else {
        let table = Table::read(rows)?;
        let table = table.ok_or("the second file is no table of numbers (categories are codes)")?;
        check(&booster, &table)?;
        Array2::from_shape_vec((table.rows.len(), n_features), table.rows.concat())?
    };
    let (n_rows, view) = (rows.nrows(), rows.view());
    let by_row = |values: Vec<f32>| -> Vec<Vec<f32>> {
        let width = values.len() / n_rows.max(1);
        values.chunks(width.max(1)).map(<[f32]>::to_vec).collect()
    };
    let leaves = booster.leaves(view)?;
    let leaves: Vec<&[u32]> = leaves.chunks(booster.n_trees().max(1)).collect();
    Ok(json!({
        "objective": booster.objective(),
        "margin": by_row(booster.margins(view)?),
        "prediction": by_row(booster.predict(view)?),
        "leaf": leaves,
    }))
}

/// Refuses columns that are not the booster's, in its order.
fn check(booster: &Booster, table: &Table) -> Result<(), Box<dyn Error>> {
    let (n_columns, n_features) = (table.rows.first().map_or(0, Vec::len), booster.n_features());
    if !table.rows.is_empty() && n_columns != n_features {
        return Err(format!("{n_columns} columns, expected {n_features}").into());
    }
    let expected = booster.feature_names();
    match &table.names {
        Some(names) if !expected.is_empty() && names != expected => {
            Err(format!("columns {names:?}, expected {expected:?}").into())
        }
        _ => Ok(()),
    }
}
