use crate::{Error, Graph, Limits, read_pickle, read_skops};

/// Reads a pickle, joblib or skops file; its content decides which.
///
/// # Errors
/// * [`Error::Unsupported`] if the file is compressed as a whole, as joblib can do it
/// * Otherwise as [`read_pickle`] and [`read_skops`]
///
/// # Examples
/// ```
/// use mlops_pyobject::{Error, Limits, read};
///
/// let error = read(b"\x1f\x8b\x08", &Limits::default()).unwrap_err();
/// assert_eq!(error.to_string(), "a file compressed with gzip is not supported");
/// ```
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Graph, Error> {
    if bytes.starts_with(b"PK\x03\x04") {
        return read_skops(bytes, limits);
    }
    // No pickle begins with one of these: they have no opcode, or one that takes more than there is.
    let compressed = COMPRESSED.iter().find(|(start, _)| bytes.starts_with(start));
    match compressed {
        Some((_, what)) => Err(Error::Unsupported { what }),
        None => read_pickle(bytes, limits),
    }
}

const COMPRESSED: [(&[u8], &str); 7] = [
    (b"\x1f\x8b", "a file compressed with gzip"),
    (b"x", "a file compressed with zlib"),
    (b"BZh", "a file compressed with bzip2"),
    (b"\xfd7zXZ", "a file compressed with xz"),
    (b"]\0\0", "a file compressed with lzma"),
    (b"\x04\"M\x18", "a file compressed with lz4"),
    (b"ZF", "a file compressed by joblib before version 0.10"),
];
