//! Any bytes are a drift detector whose p-values are probabilities, or an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mlops_core::{DriftDetector, Feature, Records, Schema};
use mlops_drift::AlibiModel;
use ndarray::array;

fuzz_target!(|bytes: &[u8]| {
    let features = ["acid", "salt"].map(Feature::numeric).into();
    let schema = Arc::new(Schema::new(features).expect("two names"));
    let Ok(model) = AlibiModel::from_bytes(bytes, Arc::clone(&schema)) else { return };
    let rows = array![[8.0, 0.5], [f64::NAN, 0.7]];
    let batch = Records::new(schema, rows).expect("two columns of finite numbers");
    let _ = model.reference();
    if let Ok(detector) = model.detector() {
        for detector in [detector.clone(), detector.exact()] {
            let report = detector.detect(&batch).expect("a report of few rows");
            let p_values = report.features.iter().filter_map(|feature| feature.p_value);
            assert!(p_values.into_iter().all(|p_value| (0.0..=1.0).contains(&p_value)));
        }
    }
});
