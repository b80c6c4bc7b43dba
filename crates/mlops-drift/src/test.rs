pub(crate) mod chi_squared;
pub(crate) mod cramer_von_mises;
pub(crate) mod fisher;
pub(crate) mod ks;

use mlops_core::PValueMethod;

/// What a test of two samples says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) statistic: f64,
    /// Above 0 and at most 1.
    pub(crate) p_value: f64,
    pub(crate) log10_p_value: f64,
    pub(crate) method: PValueMethod,
}

/// A probability that is too small for a double is given as the smallest normal one, so that its
/// logarithm is finite.
pub(crate) fn clamp_p_value(p_value: f64) -> f64 {
    p_value.clamp(f64::MIN_POSITIVE, 1.0)
}

/// The golden values of one kind.
#[cfg(test)]
pub(crate) fn golden(kind: &str) -> Vec<serde_json::Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden_drift.json");
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    cases.iter().filter(|case| case["kind"] == kind).cloned().collect()
}
