//! Any bytes are records that hold what `serde_json` finds in them, or an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mlops_core::{Feature, RecordsLimits, Schema};

#[path = "../../crates/mlops-core/tests/it/json_oracle.rs"]
mod json_oracle;

fuzz_target!(|bytes: &[u8]| {
    let region = Feature::categorical("region", ["Douro", "Minho"]);
    let features = vec![Feature::numeric("alcohol"), Feature::integer("is_red"), region];
    let schema = Arc::new(Schema::new(features).expect("three names"));
    let _ = json_oracle::is_read(&schema, bytes, RecordsLimits::default().max_rows(5));
});
