//! Properties and statistics of isolation forests, through the public interface.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod changed;
mod explained;
mod properties;
mod requests;
mod sizes;
mod statistics;
mod threshold;

use std::sync::Arc;

use mlops_core::{Feature, OutlierDetector, Records, Schema};
use mlops_outlier::IsolationForest;
use mlops_testing::SplitMix64;
use ndarray::Array2;

fn records(values: Array2<f64>) -> Records {
    let names = (0..values.ncols()).map(|column| Feature::numeric(format!("x{column}")));
    Records::new(Arc::new(Schema::new(names.collect()).unwrap()), values).unwrap()
}

/// Independent standard normal values.
fn normal(n_rows: usize, n_columns: usize, seed: u64) -> Array2<f64> {
    let mut random = SplitMix64::new(seed);
    Array2::from_shape_simple_fn((n_rows, n_columns), || {
        let radius = (-2.0 * (1.0 - random.next_f64()).ln()).sqrt();
        radius * (std::f64::consts::TAU * random.next_f64()).cos()
    })
}

/// Normal rows of which some values are missing.
fn with_gaps(n_rows: usize, n_columns: usize, seed: u64) -> Array2<f64> {
    let mut random = SplitMix64::new(seed ^ 1);
    let gaps = |value| if random.next_f64() < 0.1 { f64::NAN } else { value };
    normal(n_rows, n_columns, seed).mapv_into(gaps)
}

fn bits(forest: &IsolationForest, rows: &Records) -> Vec<u64> {
    forest.score(rows).unwrap().into_iter().map(f64::to_bits).collect()
}

/// The same forest with something changed in its file.
fn edited(forest: &IsolationForest, edit: impl Fn(&mut serde_json::Value)) -> IsolationForest {
    let mut file = serde_json::from_slice(&forest.to_json()).unwrap();
    edit(&mut file);
    IsolationForest::from_json(file.to_string().as_bytes(), Arc::clone(forest.schema())).unwrap()
}
