use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The keys that clients may show, of which only SHA-256 hashes are kept.
///
/// Keys should be random and long: a hash that is read by others tells a short key.
#[derive(Clone)]
pub struct ApiKeys(Vec<[u8; 32]>);

/// A line is not the hash of a key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line} of the API keys is not a SHA-256 in 64 hexadecimal digits")]
#[non_exhaustive]
pub struct ApiKeysError {
    /// The line, counted from 1.
    pub line: usize,
}

impl ApiKeys {
    /// Reads SHA-256 hashes, one a line, in hexadecimal digits; what follows a hash after a space is its name. Empty
    /// lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`ApiKeysError`] if a line is something else.
    ///
    /// # Examples
    /// ```
    /// use mlops_serve::ApiKeys;
    ///
    /// // printf %s secret | sha256sum
    /// let keys = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b team-a\n";
    /// assert!(ApiKeys::parse(keys).is_ok());
    /// assert!(ApiKeys::parse("secret\n").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, ApiKeysError> {
        let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
        let hashes = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let hash = |(line, text): (usize, &str)| {
            let digits = text.split_whitespace().next().unwrap_or_default();
            decode(digits).ok_or(ApiKeysError { line })
        };
        hashes.map(hash).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a request shows one of the keys: `Authorization: Bearer KEY` or `X-API-Key: KEY`.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| {
            let (scheme, key) = value.as_bytes().split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
        });
        let key = bearer.or_else(|| headers.get("x-api-key").map(HeaderValue::as_bytes));
        let Some(key) = key else { return false };
        let shown = Sha256::digest(key);
        // All hashes are compared, whichever fits.
        let fits = |fits: Choice, hash: &[u8; 32]| fits | shown.as_slice().ct_eq(hash);
        self.0.iter().fold(Choice::from(0), fits).into()
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({})", self.0.len())
    }
}

fn decode(digits: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn a_key_is_admitted_by_either_header_and_nothing_else_is() {
        // printf %s secret | sha256sum, and the same of `other`
        let keys = ApiKeys::parse(
            "# keys\n\n2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b team-a\n\
             d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa\n",
        )
        .unwrap();
        for (name, value, is_admitted) in [
            ("authorization", "Bearer secret", true),
            ("authorization", "bearer other", true),
            ("x-api-key", "secret", true),
            ("authorization", "Bearer  secret", false),
            ("authorization", "Basic secret", false),
            ("authorization", "Bearer", false),
            ("x-api-key", "", false),
            ("x-other", "secret", false),
        ] {
            let header = (HeaderName::from_static(name), HeaderValue::from_static(value));
            assert_eq!(keys.admit(&HeaderMap::from_iter([header])), is_admitted, "{name}: {value}");
        }
        assert!(!keys.admit(&HeaderMap::new()));
        assert_eq!(format!("{keys:?}"), "ApiKeys(2)");
        assert_eq!(ApiKeys::parse("\nsecret").unwrap_err(), ApiKeysError { line: 2 });
    }
}
