//! `file:` URIs as Python's `pathlib` writes them.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::UriError;

/// The URI of an absolute path; every byte but ASCII letters, digits and `_.-~/` is encoded.
pub(crate) fn encode(path: &Path) -> String {
    format!("file://{}", percent_encode(path.as_os_str().as_encoded_bytes(), b"_.-~/"))
}

/// Encodes every byte but ASCII letters, digits and those of `kept`.
pub(crate) fn percent_encode(text: &[u8], kept: &[u8]) -> String {
    let mut encoded = String::new();
    for &byte in text {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The path in what follows `file:`, with or without an empty host or `localhost`.
pub(crate) fn decode(after_scheme: &str) -> Result<PathBuf, UriError> {
    let path = match after_scheme.strip_prefix("//") {
        None => after_scheme,
        Some(rest) => {
            let start = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(start);
            if !matches!(host, "" | "localhost") {
                return Err(UriError::Host { host: host.to_owned() });
            }
            path
        }
    };
    if !path.starts_with('/') {
        return Err(UriError::NotAbsolute);
    }
    if path.contains(['?', '#']) {
        return Err(UriError::NotEncoded);
    }
    let bytes = percent_decode(path.as_bytes()).ok_or(UriError::NotEncoded)?;
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_| UriError::NotEncoded)
}

/// `None` if a `%` is not followed by two hexadecimal digits.
pub(crate) fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            _ => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_as_python_does() {
        // pathlib.Path("/a b/ü#?%:@~x").as_uri()
        let uri = encode(Path::new("/a b/ü#?%:@~x"));
        assert_eq!(uri, "file:///a%20b/%C3%BC%23%3F%25%3A%40~x");
        assert_eq!(decode(&uri["file:".len()..]), Ok(PathBuf::from("/a b/ü#?%:@~x")));
    }

    #[test]
    fn other_hosts_relative_paths_and_bad_encodings_are_refused() {
        assert_eq!(decode("/a"), Ok(PathBuf::from("/a")));
        assert_eq!(decode("//localhost/a"), Ok(PathBuf::from("/a")));
        assert_eq!(decode("//host/a"), Err(UriError::Host { host: "host".to_owned() }));
        for relative in ["a", "", "//", "//localhost"] {
            assert_eq!(decode(relative), Err(UriError::NotAbsolute), "{relative}");
        }
        for bad in ["/%", "/%4", "/%zz", "/%+1", "/%ff", "/a?b", "/a#b"] {
            assert_eq!(decode(bad), Err(UriError::NotEncoded), "{bad}");
        }
    }
}
