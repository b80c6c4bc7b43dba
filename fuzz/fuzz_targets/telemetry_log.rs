//! Any bytes are a log: requests whose parts fit each other, and lines that are counted.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mlops_core::{Feature, Schema};
use mlops_telemetry::{LogReader, Logged};

fuzz_target!(|bytes: &[u8]| {
    let region = Feature::categorical("region", ["Douro", "Minho"]);
    let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red"), region];
    let schema = Arc::new(Schema::new(features).expect("three names"));
    let mut reader = LogReader::new(schema).max_line_bytes(16 << 10).max_pending(8);
    let read = reader.read(bytes).map(|logged| logged.expect("bytes are read without errors"));
    let mut logged: Vec<_> = read.collect();
    logged.extend(reader.finish());
    for request in &logged {
        let Logged::Request(request) = request else { continue };
        let n_rows = request.rows.len();
        assert!(request.rows.iter().all(|&row| row < request.n_rows));
        assert!(request.records.as_ref().is_none_or(|records| records.n_rows() == n_rows));
        assert!([0, n_rows].contains(&request.outlier_scores.len()));
        assert!([0, n_rows].contains(&request.outlier_flags.len()));
        assert!(request.p_values.values().all(|value| (0.0..=1.0).contains(value)));
    }
    let counts = reader.counts();
    assert_eq!(logged.len() as u64, counts.requests + counts.feedbacks);
});
