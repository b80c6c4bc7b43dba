//! The formats in which XGBoost saves models.
//!
//! JSON and UBJSON hold the same tree of keys, so both are read into a [`Document`] and written from one; what the
//! keys mean stands in `decode` and `encode` alone.

mod arrays;
mod binary;
mod categories;
mod decode;
mod document;
mod encode;
mod json;
mod ubjson;

pub(crate) use categories::CategoryNames;
use document::Document;

use crate::booster::Parts;
use crate::error::{Error, Unsupported};

/// What `left_children` holds for a leaf.
const NO_CHILD: i64 = -1;

/// Objects and arrays nested deeper than this are refused; models have about ten levels.
const MAX_DEPTH: usize = 64;

/// Reads a model in whatever format it is; the content decides, never a file name.
pub(crate) fn read(bytes: &[u8]) -> Result<Parts, Error> {
    if bytes.starts_with(binary::MAGIC) {
        return binary::model(bytes);
    }
    decode::model(&document(bytes)?)
}

pub(crate) fn write_json(parts: &Parts) -> Vec<u8> {
    json::write(&encode::model(parts))
}

pub(crate) fn write_ubjson(parts: &Parts) -> Vec<u8> {
    ubjson::write(&encode::model(parts))
}

fn document(bytes: &[u8]) -> Result<Document<'_>, Error> {
    if bytes.starts_with(b"bs64") {
        return Err(Error::Unsupported { feature: Unsupported::Base64 });
    }
    // UBJSON has the type of a key's length where JSON has a space, a quote or the closing brace.
    match bytes.trim_ascii_start() {
        [b'{', b'L' | b'l' | b'I' | b'i' | b'U', ..] => ubjson::read(bytes),
        [b'{', ..] => json::read(bytes),
        _ => Err(Error::NoModel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_format_in_base64_is_refused_by_name() {
        let feature = Unsupported::Base64;
        assert_eq!(read(b"bs64\t").unwrap_err(), Error::Unsupported { feature });
    }

    #[test]
    fn files_of_other_programs_are_no_models() {
        for bytes in
            [&b""[..], b"\n", b"\x89PNG\r\n", b"\x80\x04\x95", b"tree\nversion=v4", b"[{}]"]
        {
            assert_eq!(read(bytes).unwrap_err(), Error::NoModel, "{bytes:?}");
        }
        assert!(matches!(read(b" {\"a\":"), Err(Error::Syntax { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(mut bytes: Vec<u8>) {
            let _ = read(&bytes);
            bytes.splice(0..0, *b"binf");
            let _ = read(&bytes);
            bytes.splice(0..4, *b"{L\0\0\0\0\0\0\0\x01a");
            let _ = read(&bytes);
        }
    }
}
