use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize, Serializer};

use crate::Error;

/// The name of one request: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "&str")]
pub struct RequestId([u8; Self::LENGTH]);

impl RequestId {
    /// The number of digits.
    pub const LENGTH: usize = 32;

    /// The name with this number.
    pub fn new(number: u128) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; Self::LENGTH];
        for (digits, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        // Never empty: the bytes are digits.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RequestId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_id = text.len() == Self::LENGTH
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_id);
        number.map(Self::new).ok_or(Error::RequestId)
    }
}

impl TryFrom<&str> for RequestId {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Names requests, so that no name returns and none tells another.
#[derive(Debug)]
pub struct RequestIds {
    // The standard library's only source of random bits: a hash with a secret key.
    secret: RandomState,
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    /// Names that no other process gives.
    pub fn new() -> Self {
        let secret = RandomState::new();
        let process = secret.hash_one("process");
        Self { secret, process, count: AtomicU64::new(0) }
    }

    /// The next name.
    pub fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // The second half is another one each time, and the first one nobody can guess.
        let (first, second) = (self.secret.hash_one(count), self.process ^ count);
        RequestId::new(u128::from(first) << 64 | u128::from(second))
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_32_hexadecimal_digits_and_never_return() {
        let (ids, others) = (RequestIds::new(), RequestIds::new());
        let names = [ids.next(), ids.next(), others.next()].map(|id| id.to_string());
        for name in &names {
            assert_eq!(name.len(), 32);
            assert!(name.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        assert_ne!(names[0][..16], names[1][..16], "a name does not tell the next one");
        assert_ne!(names[0][16..], names[1][16..]);
        assert_ne!(names[0], names[2]);
    }

    #[test]
    fn a_name_is_read_as_it_is_written_and_in_no_other_way() {
        let id = RequestId::new(0xabc << 100 | 255);
        assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<RequestId>(&json).unwrap(), id);
        let upper = id.to_string().to_uppercase();
        let signed = format!("+{}", &id.to_string()[1..]);
        for text in ["", "ff", &upper, &signed, &id.to_string().replace("00", "é")] {
            assert_eq!(text.parse::<RequestId>(), Err(Error::RequestId), "{text}");
        }
    }
}
