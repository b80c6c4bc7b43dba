//! Any bytes are a saved drift detector whose reports are JSON, or an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mlops_core::{DriftReport, Feature, Records, Schema};
use mlops_drift::{DriftTable, TabularDrift};
use ndarray::array;

fuzz_target!(|bytes: &[u8]| {
    let features = vec![Feature::numeric("acid"), Feature::integer("region")];
    let schema = Arc::new(Schema::new(features).expect("two names"));
    let Ok(detector) = TabularDrift::from_json(bytes, Arc::clone(&schema)) else { return };
    let read = TabularDrift::from_json(&detector.to_json(), Arc::clone(&schema));
    assert_eq!(read.as_ref(), Ok(&detector));
    let rows = array![[8.0, 1.0], [f64::NAN, 2.0], [7.5, 9.0]];
    let batch = Records::new(schema, rows).expect("two columns of finite numbers");
    if let Ok(report) = detector.test(&batch) {
        let p_values = report.features.iter().filter_map(|feature| feature.p_value);
        assert!(p_values.into_iter().all(|p_value| p_value > 0.0 && p_value <= 1.0));
        let json = serde_json::to_string(&report).expect("numbers and texts");
        assert_eq!(serde_json::from_str::<DriftReport>(&json).expect("a report"), report);
        assert!(!DriftTable::new(&report).to_string().is_empty());
    }
});
