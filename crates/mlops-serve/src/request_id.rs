use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use serde::{Serialize, Serializer};

/// The name of one request, in the header `X-Request-Id` and in the log: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RequestId(u128);

impl RequestId {
    #[cfg(test)]
    pub(crate) fn of(number: u128) -> Self {
        Self(number)
    }

    pub(crate) fn header_value(self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.to_string()).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Names requests: 64 bits that are random for each process, then a count.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The keys of the standard library's hasher are its only source of random bits.
        Self { process: RandomState::new().hash_one(0), count: AtomicU64::new(0) }
    }

    pub(crate) fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        RequestId(u128::from(self.process) << 64 | u128::from(count))
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
        assert_eq!(names[0][..16], names[1][..16]);
        assert_ne!(names[0], names[1]);
        assert_ne!(names[0], names[2]);
    }
}
