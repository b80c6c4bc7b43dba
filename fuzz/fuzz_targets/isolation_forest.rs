//! Any bytes are an isolation forest that scores, or an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mlops_core::{Explainer, Feature, OutlierDetector, Records, Schema};
use mlops_outlier::{Contamination, IsolationForest, Scratch};
use ndarray::array;

fuzz_target!(|bytes: &[u8]| {
    let features = ["acid", "salt", "sulfur"].map(Feature::numeric).into();
    let schema = Arc::new(Schema::new(features).expect("three names"));
    if let Ok(forest) = IsolationForest::from_sklearn(bytes, Arc::clone(&schema)) {
        let _ = forest.depth_sum(&[8.0, f64::NAN, f64::INFINITY], &mut Scratch::default());
        let rows = array![[8.0, 0.5, 100.0], [7.0, f64::NAN, -3.0]];
        let rows = Records::new(schema, rows).expect("three columns of finite numbers");
        assert_eq!(forest.score(&rows).map(|scores| scores.len()).ok(), Some(2));
        let _ = forest.explain(&rows);
        let _ = forest.calibrate(&rows, Contamination::new(0.5).expect("a share"));
    }
});
