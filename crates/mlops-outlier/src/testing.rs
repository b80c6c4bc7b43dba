//! Records for the tests of this crate.

use std::f64::consts::TAU;
use std::sync::Arc;

use mlops_core::{Feature, Records, Schema};
use mlops_testing::SplitMix64;
use ndarray::Array2;

pub(crate) fn records(values: Array2<f64>) -> Records {
    let names = (0..values.ncols()).map(|column| Feature::numeric(format!("x{column}")));
    Records::new(Arc::new(Schema::new(names.collect()).unwrap()), values).unwrap()
}

/// Independent standard normal values.
pub(crate) fn normal(n_rows: usize, n_columns: usize, seed: u64) -> Array2<f64> {
    let mut random = SplitMix64::new(seed);
    Array2::from_shape_simple_fn((n_rows, n_columns), || {
        let radius = (-2.0 * (1.0 - random.next_f64()).ln()).sqrt();
        radius * (TAU * random.next_f64()).cos()
    })
}
