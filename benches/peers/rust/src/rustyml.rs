//! `rustyml`, which wants `RAYON_NUM_THREADS=1` for one thread.

use std::error::Error;

use ndarray::{ArrayView2, ShapeError};
use rustyml::machine_learning::IsolationForest;

use crate::library::{Library, N_SAMPLES, N_TREES, Row, WIDTH};

pub(crate) struct Crate;

impl Library for Crate {
    type Forest = IsolationForest;

    fn fit(&self, rows: &[Row]) -> Result<IsolationForest, Box<dyn Error>> {
        let mut forest = IsolationForest::new(N_TREES, N_SAMPLES)?.with_random_state(1);
        forest.fit(&view(rows)?)?;
        Ok(forest)
    }

    fn score(&self, forest: &IsolationForest, rows: &[Row]) -> Result<Vec<f64>, Box<dyn Error>> {
        let normality = match rows {
            // Its way for one row.
            [row] => vec![forest.score_sample(row)?],
            _ => forest.score_samples(&view(rows)?)?.into_raw_vec_and_offset().0,
        };
        Ok(normality.into_iter().map(|score| -score).collect())
    }
}

fn view(rows: &[Row]) -> Result<ArrayView2<'_, f64>, ShapeError> {
    ArrayView2::from_shape((rows.len(), WIDTH), rows.as_flattened())
}
