//! Records and trees for the tests of this crate.

use std::f64::consts::TAU;
use std::sync::Arc;

use mlops_core::{Feature, Records, Schema};
use mlops_forest::{Node, Side, threshold_at_most};
use mlops_testing::SplitMix64;
use ndarray::Array2;
use serde::Deserialize;

use crate::tree::Tree;

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

/// A tree as the scripts of `tests/data` write it.
#[derive(Deserialize)]
pub(crate) struct GoldenTree {
    feature: Vec<i64>,
    threshold: Vec<f64>,
    missing_go_to_left: Vec<bool>,
    left: Vec<i64>,
    right: Vec<i64>,
    n_node_samples: Vec<usize>,
}

impl GoldenTree {
    pub(crate) fn tree(&self) -> Tree {
        let nodes = (0..self.feature.len()).map(|at| match usize::try_from(self.feature[at]) {
            Ok(feature) => Node::Split {
                feature,
                threshold: threshold_at_most(self.threshold[at]),
                missing: if self.missing_go_to_left[at] { Side::Left } else { Side::Right },
                left: usize::try_from(self.left[at]).unwrap(),
                right: usize::try_from(self.right[at]).unwrap(),
            },
            Err(_) => Node::Leaf { value: self.n_node_samples[at] },
        });
        Tree::new(0, nodes.collect()).unwrap()
    }
}
