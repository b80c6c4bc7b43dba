//! `extended-isolation-forest` at level 0, where a split looks at one feature.

use std::error::Error;

use extended_isolation_forest::{Forest, ForestOptions};

use crate::library::{Library, N_SAMPLES, N_TREES, Row, WIDTH};

pub(crate) struct Crate;

impl Library for Crate {
    type Forest = Forest<f64, WIDTH>;

    fn fit(&self, rows: &[Row]) -> Result<Self::Forest, Box<dyn Error>> {
        let options = ForestOptions {
            n_trees: N_TREES,
            sample_size: N_SAMPLES,
            max_tree_depth: None,
            extension_level: 0,
        };
        Ok(Forest::from_slice(rows, &options)?)
    }

    fn score(&self, forest: &Self::Forest, rows: &[Row]) -> Result<Vec<f64>, Box<dyn Error>> {
        Ok(rows.iter().map(|row| forest.score(row)).collect())
    }
}
