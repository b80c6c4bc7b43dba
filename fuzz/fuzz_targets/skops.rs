//! Any bytes are a graph of objects or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_pyobject::sklearn::Pipeline;
use mlops_pyobject::{Limits, read_skops};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(graph) = read_skops(bytes, &Limits::default()) {
        let root = graph.root();
        let _ = Pipeline::read(&root).map(|pipeline| pipeline.estimator.path());
        if let Ok(array) = root.array() {
            let _ = (array.floats(), array.texts(), array.matrix());
        }
    }
});
