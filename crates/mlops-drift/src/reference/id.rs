use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{FeatureReference, Scale};

/// The first half of the SHA-256 of all that tests depend on, in hexadecimal digits.
pub(super) fn of(features: &[FeatureReference]) -> String {
    let mut hash = Sha256::new();
    let mut number = |value: u64| hash.update(value.to_le_bytes());
    number(features.len() as u64);
    for feature in features {
        let name = feature.name().as_bytes();
        number(name.len() as u64);
        for byte in name {
            number(u64::from(*byte));
        }
        number(u64::from(feature.scale() == Scale::Categorical));
        number(feature.n_missing() as u64);
        number(feature.values().len() as u64);
        feature.values().iter().for_each(|value| number(value.to_bits()));
        feature.counts().for_each(|count| number(count as u64));
    }
    let mut id = String::new();
    for byte in &hash.finalize()[..16] {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_a_test_changes_the_id() {
        let feature = |name: &str, scale: &str, n_missing: u32, values: &str, counts: &str| {
            let json = format!(
                r#"{{"feature":"{name}","scale":"{scale}","n_missing":{n_missing},"values":{values},"counts":{counts}}}"#
            );
            of(&[serde_json::from_str(&json).unwrap()])
        };
        let id = feature("pH", "numeric", 0, "[2.9,3.5]", "[1,2]");
        // sha256 of the numbers 1, 2, "p", "H", 0, 0, 2, 2.9, 3.5, 1, 2 of 64 bits (Python's hashlib)
        assert_eq!(id, "e80c77867c1bc6c821297752cce706b9");
        for other in [
            feature("pH2", "numeric", 0, "[2.9,3.5]", "[1,2]"),
            feature("pH", "categorical", 0, "[2.9,3.5]", "[1,2]"),
            feature("pH", "numeric", 1, "[2.9,3.5]", "[1,2]"),
            feature("pH", "numeric", 0, "[2.9,3.6]", "[1,2]"),
            feature("pH", "numeric", 0, "[2.9,3.5]", "[2,1]"),
        ] {
            assert_ne!(other, id);
        }
    }
}
