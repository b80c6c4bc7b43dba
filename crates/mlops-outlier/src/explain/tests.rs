use mlops_core::OutlierDetectorExt;
use serde::Deserialize;

use super::*;
use crate::isolation_forest::Parts;
use crate::testing::{GoldenTree, normal, records};
use crate::{Contamination, FalsePositiveRate, training_scores};

/// What `tests/data/explained.py` writes.
#[derive(Deserialize)]
struct Golden {
    rows: Vec<Vec<Option<f64>>>,
    forests: Vec<GoldenForest>,
    score_lists: Vec<ScoreList>,
    treacherous_ranks: Vec<Rank>,
}

#[derive(Deserialize)]
struct GoldenForest {
    name: String,
    max_samples: usize,
    trees: Vec<GoldenTree>,
    offset: f64,
    base_value: f64,
    depth_sum: Vec<f64>,
    score_samples: Vec<f64>,
    decision_function: Vec<f64>,
    instance_score: Vec<f64>,
    contributions: Vec<Vec<f64>>,
    local_diffi: Vec<Vec<f64>>,
}
