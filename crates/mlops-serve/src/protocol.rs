pub(crate) mod invocations;
pub(crate) mod open_inference;

use mlops_core::Violation;
use serde_json::value::RawValue;

/// Violations for a protocol that says what is wrong in one text.
fn sentence(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn is_object(json: &RawValue) -> bool {
    json.get().starts_with('{')
}

fn is_list(json: &RawValue) -> bool {
    json.get().starts_with('[')
}
