use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use ndarray::ArrayView1;
use sha2::{Digest, Sha256};

/// A name for the values of a wine: the same for its copies, and for no other wine that anybody will meet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(values: ArrayView1<'_, f64>) -> Self {
        let mut hash = Sha256::new();
        // Both zeros are one value.
        values.iter().for_each(|value| hash.update((value + 0.0).to_le_bytes()));
        let first = hash.finalize().into_iter().take(size_of::<u64>());
        Self(first.fold(0, |number, byte| number << 8 | u64::from(byte)))
    }
}

impl Ord for Fingerprint {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Fingerprint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What is not a fingerprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoFingerprint);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| NoFingerprint)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn it_is_the_beginning_of_the_sha_256_of_the_values() {
        let fingerprint = Fingerprint::of(array![1.0, 0.0].view());
        assert_eq!(fingerprint, Fingerprint::of(array![1.0, -0.0].view()));
        assert_ne!(fingerprint, Fingerprint::of(array![0.0, 1.0].view()));
        // printf '\0\0\0\0\0\0\360\077\0\0\0\0\0\0\0\0' | sha256sum
        assert_eq!(fingerprint.to_string(), "3239b05c38b825eb");
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }

    #[test]
    fn other_text_is_none() {
        for text in ["", "1", "+123456789abcdef", "0123456789abcdeg", "0123456789abcdef0"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(NoFingerprint), "{text}");
        }
    }
}
