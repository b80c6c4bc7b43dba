//! Saved references that were changed.

use std::sync::Arc;

use mlops_core::{Feature, Records, Schema};
use mlops_drift::TabularDrift;
use mlops_testing::{Mutator, n_mutations};
use ndarray::array;

#[test]
fn changed_references_are_detectors_or_errors() {
    let file = include_bytes!("../data/reference.json");
    let features = vec![Feature::numeric("acid"), Feature::integer("region")];
    let schema = Arc::new(Schema::new(features).unwrap());
    let rows = array![[8.0, 1.0], [f64::NAN, 2.0], [7.5, 9.0]];
    let batch = Records::new(Arc::clone(&schema), rows).unwrap();
    let (mut mutator, mut n_read) = (Mutator::new(0xD71F7), 0);
    for _ in 0..n_mutations() {
        let changed = mutator.mutate(file);
        let Ok(detector) = TabularDrift::from_json(changed, Arc::clone(&schema)) else { continue };
        n_read += 1;
        assert_eq!(
            TabularDrift::from_json(&detector.to_json(), Arc::clone(&schema)),
            Ok(detector.clone())
        );
        if let Ok(report) = detector.test(&batch) {
            let p_values = report.features.iter().filter_map(|feature| feature.p_value);
            assert!(p_values.into_iter().all(|p_value| p_value > 0.0 && p_value <= 1.0));
            serde_json::from_str::<mlops_core::DriftReport>(
                &serde_json::to_string(&report).unwrap(),
            )
            .unwrap();
        }
    }
    assert!(n_read > n_mutations() / 1000, "{n_read}");
}
