//! Any bytes are an isolation forest that scores, or an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mlops_core::{Feature, Schema};
use mlops_outlier::SklearnIsolationForest;

fuzz_target!(|bytes: &[u8]| {
    let features = ["acid", "salt", "sulfur"].map(Feature::numeric).into();
    let schema = Arc::new(Schema::new(features).expect("three names"));
    if let Ok(forest) = SklearnIsolationForest::from_bytes(bytes, schema) {
        let sum = forest.depth_sum(&[8.0, f64::NAN, f64::INFINITY]);
        let _ = forest.score_of(sum);
    }
});
