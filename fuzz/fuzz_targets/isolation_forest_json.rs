//! Any bytes are a stored isolation forest that scores, explains and is written again, or an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mlops_core::{Explainer, Feature, OutlierDetector, Records, Schema};
use mlops_outlier::IsolationForest;
use ndarray::array;

fuzz_target!(|bytes: &[u8]| {
    let features = ["acid", "salt", "sulfur"].map(Feature::numeric).into();
    let schema = Arc::new(Schema::new(features).expect("three names"));
    if let Ok(forest) = IsolationForest::from_json(bytes, Arc::clone(&schema)) {
        let rows = array![[8.0, 0.5, 100.0], [7.0, f64::NAN, -3.0]];
        let rows = Records::new(Arc::clone(&schema), rows).expect("three columns of finite numbers");
        let scores = forest.score(&rows).expect("rows of the forest");
        forest.explain(&rows).expect("rows of the forest");
        let _ = (forest.local_diffi(&[8.0, f64::NAN, 1.0]), forest.percentile(scores[0]));
        let read = IsolationForest::from_json(&forest.to_json(), schema).expect("what was written");
        assert_eq!(read.to_json(), forest.to_json());
    }
});
