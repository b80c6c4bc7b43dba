//! Any bytes are a graph of objects or an error, and so is whatever is asked of the graph.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_pyobject::sklearn::Pipeline;
use mlops_pyobject::{Limits, read_pickle};

fuzz_target!(|bytes: &[u8]| {
    let Ok(graph) = read_pickle(bytes, &Limits::default()) else { return };
    let root = graph.root();
    if let Ok(array) = root.array() {
        let _ = (array.floats(), array.texts(), array.matrix());
    }
    for item in root.items().unwrap_or_default() {
        let _ = (item.float(), item.text(), item.array().map(|array| array.integers()));
    }
    let _ = root.entries();
    let _ = Pipeline::read(&root).map(|pipeline| pipeline.estimator.path());
});
