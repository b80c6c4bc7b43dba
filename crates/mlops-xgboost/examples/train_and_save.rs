//! Trains a booster on made-up data and saves it, with rows and answers, for other implementations to check.
//!
//! `cargo run --release -p mlops-xgboost --example train_and_save -- FOLDER`

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use mlops_core::{Feature, Random, Records, Schema};
use mlops_xgboost::{Booster, Dataset};
use ndarray::{Array2, s};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = env::args_os().nth(1).ok_or("usage: train_and_save FOLDER")?.into();
    fs::create_dir_all(&folder)?;

    let mut random = Random::new(1);
    let values = Array2::from_shape_simple_fn((3000, 6), || {
        if random.unit() < 0.1 { f64::NAN } else { random.unit() * 10.0 - 5.0 }
    });
    let labels: Vec<bool> =
        values.rows().into_iter().map(|row| (row[0] > 0.0) != (row[1] + row[2] > 1.0)).collect();
    let schema =
        Schema::new((0..6).map(|feature| Feature::numeric(format!("f{feature}"))).collect())?;
    let schema = Arc::new(schema);
    let part =
        |from, to| Records::new(Arc::clone(&schema), values.slice(s![from..to, ..]).to_owned());
    let (train, validation) = (part(0, 2000)?, part(2000, 3000)?);
    let params = Booster::params()
        .rounds(200)
        .early_stopping_rounds(10)
        .max_depth(7)
        .subsample(0.8)
        .reg_alpha(0.1);
    let training = params.fit(
        &Dataset::new(&train, &labels[..2000])?,
        &[("validation", &Dataset::new(&validation, &labels[2000..])?)],
    )?;

    let booster = training.booster;
    fs::write(folder.join("booster.json"), booster.to_json())?;
    fs::write(folder.join("booster.ubj"), booster.to_ubjson())?;
    let bits = |answers: Vec<f32>| answers.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let answers = json!({
        // JSON has no NaN; a missing value is written as null.
        "rows": values.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
        "n_trees": booster.n_trees(),
        "margin_bits": bits(booster.margins(values.view())?),
        "probability_bits": bits(booster.predict(values.view())?),
    });
    fs::write(folder.join("answers.json"), serde_json::to_vec(&answers)?)?;
    Ok(())
}
