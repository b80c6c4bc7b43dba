use std::borrow::Cow;
use std::collections::BTreeMap;

use super::MAX_DEPTH;
use super::document::{Document, Number, Width};
use crate::error::Error;

/// Reads the part of UBJSON that XGBoost writes: numbers are big-endian, arrays with a count have no closing bracket.
pub(super) fn read(bytes: &[u8]) -> Result<Document<'_>, Error> {
    let mut reader = Reader { bytes, offset: 0 };
    let marker = reader.byte()?;
    let document = reader.value(marker, 0)?;
    if reader.offset == bytes.len() {
        Ok(document)
    } else {
        Err(reader.error("more than one value"))
    }
}

/// Writes UBJSON that XGBoost reads.
pub(super) fn write(document: &Document<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_value(document, &mut out);
    out
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, marker: u8, depth: usize) -> Result<Document<'a>, Error> {
        if depth == MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        Ok(match marker {
            b'{' => return self.object(depth),
            b'[' => return self.array(depth),
            b'S' => Document::Text(self.text()?),
            b'C' => {
                let start = self.offset;
                self.byte()?;
                Document::Text(self.utf8(start)?)
            }
            b'Z' => Document::Null,
            b'T' => Document::Boolean(true),
            b'F' => Document::Boolean(false),
            b'd' => Document::Number(Number::Float32(f32::from_be_bytes(self.take()?))),
            b'D' => Document::Number(Number::Float64(f64::from_be_bytes(self.take()?))),
            _ => Document::Number(Number::Integer(self.integer(marker)?)),
        })
    }

    fn object(&mut self, depth: usize) -> Result<Document<'a>, Error> {
        let mut entries = BTreeMap::new();
        while self.peek()? != b'}' {
            let key = self.text()?;
            let marker = self.byte()?;
            let value = self.value(marker, depth + 1)?;
            if entries.insert(key, value).is_some() {
                return Err(self.error("a key stands twice"));
            }
        }
        self.offset += 1;
        Ok(Document::Object(entries))
    }

    fn array(&mut self, depth: usize) -> Result<Document<'a>, Error> {
        match self.peek()? {
            b'$' => {
                self.offset += 1;
                let marker = self.byte()?;
                self.expect_count()?;
                self.typed_array(marker)
            }
            b'#' => {
                self.expect_count()?;
                // Every element has a marker of at least one byte.
                let count = self.count(1)?;
                let mut values = Vec::new();
                for _ in 0..count {
                    let marker = self.byte()?;
                    values.push(self.value(marker, depth + 1)?);
                }
                Ok(Document::Array(values))
            }
            _ => {
                let mut values = Vec::new();
                loop {
                    match self.byte()? {
                        b']' => return Ok(Document::Array(values)),
                        marker => values.push(self.value(marker, depth + 1)?),
                    }
                }
            }
        }
    }

    fn typed_array(&mut self, marker: u8) -> Result<Document<'a>, Error> {
        Ok(match marker {
            b'd' => Document::Floats(self.elements(f32::from_be_bytes)?),
            b'D' => {
                let values = self.elements(f64::from_be_bytes)?;
                Document::Array(
                    values.into_iter().map(|v| Document::Number(Number::Float64(v))).collect(),
                )
            }
            b'i' => {
                Document::Integers(self.elements(|b| i64::from(i8::from_be_bytes(b)))?, Width::I8)
            }
            b'U' => {
                Document::Integers(self.elements(|b| i64::from(u8::from_be_bytes(b)))?, Width::U8)
            }
            b'I' => {
                Document::Integers(self.elements(|b| i64::from(i16::from_be_bytes(b)))?, Width::I16)
            }
            b'l' => {
                Document::Integers(self.elements(|b| i64::from(i32::from_be_bytes(b)))?, Width::I32)
            }
            b'L' => Document::Integers(self.elements(i64::from_be_bytes)?, Width::I64),
            _ => return Err(self.error("an array of an unknown type")),
        })
    }

    fn elements<const N: usize, T>(
        &mut self,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let count = self.count(N)?;
        let end = self.offset + count * N;
        let (chunks, _) = self.bytes[self.offset..end].as_chunks::<N>();
        self.offset = end;
        Ok(chunks.iter().map(|chunk| decode(*chunk)).collect())
    }

    /// A count of elements of `size` bytes that the rest of the file has room for.
    fn count(&mut self, size: usize) -> Result<usize, Error> {
        let marker = self.byte()?;
        let count = self.integer(marker)?;
        let room = (self.bytes.len() - self.offset) / size;
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(count),
            _ => Err(self.error("a count beyond the end of the file")),
        }
    }

    fn expect_count(&mut self) -> Result<(), Error> {
        if self.byte()? == b'#' { Ok(()) } else { Err(self.error("an array without a count")) }
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Error> {
        let length = self.count(1)?;
        let start = self.offset;
        self.offset += length;
        self.utf8(start)
    }

    /// The text from `start` to here.
    fn utf8(&self, start: usize) -> Result<Cow<'a, str>, Error> {
        str::from_utf8(&self.bytes[start..self.offset])
            .map(Cow::Borrowed)
            .map_err(|_| Error::Syntax { offset: start, problem: "not UTF-8" })
    }

    fn integer(&mut self, marker: u8) -> Result<i64, Error> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.take()?)),
            b'U' => i64::from(u8::from_be_bytes(self.take()?)),
            b'I' => i64::from(i16::from_be_bytes(self.take()?)),
            b'l' => i64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?),
            _ => return Err(self.error("an unknown type")),
        })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some(bytes) = self.bytes[self.offset..].first_chunk() else {
            return Err(self.error("the file ends early"));
        };
        self.offset += N;
        Ok(*bytes)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn peek(&self) -> Result<u8, Error> {
        self.bytes.get(self.offset).copied().ok_or_else(|| self.error("the file ends early"))
    }

    fn error(&self, problem: &'static str) -> Error {
        Error::Syntax { offset: self.offset, problem }
    }
}

fn write_value(document: &Document<'_>, out: &mut Vec<u8>) {
    match document {
        Document::Null => out.push(b'Z'),
        Document::Boolean(value) => out.push(if *value { b'T' } else { b'F' }),
        Document::Number(number) => write_number(*number, out),
        Document::Text(text) => {
            out.push(b'S');
            write_text(text, out);
        }
        Document::Array(values) => {
            out.extend(b"[#");
            write_count(values.len(), out);
            for value in values {
                write_value(value, out);
            }
        }
        Document::Object(entries) => {
            out.push(b'{');
            for (key, value) in entries {
                write_text(key, out);
                write_value(value, out);
            }
            out.push(b'}');
        }
        Document::Floats(values) => {
            write_typed(b'd', values, out, |value| value.to_be_bytes());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the width was chosen to fit"
        )]
        Document::Integers(values, width) => match width {
            Width::I8 => write_typed(b'i', values, out, |value| (*value as i8).to_be_bytes()),
            Width::U8 => write_typed(b'U', values, out, |value| (*value as u8).to_be_bytes()),
            Width::I16 => write_typed(b'I', values, out, |value| (*value as i16).to_be_bytes()),
            Width::I32 => write_typed(b'l', values, out, |value| (*value as i32).to_be_bytes()),
            Width::I64 => write_typed(b'L', values, out, |value| value.to_be_bytes()),
        },
    }
}

fn write_typed<const N: usize, T>(
    marker: u8,
    values: &[T],
    out: &mut Vec<u8>,
    encode: impl Fn(&T) -> [u8; N],
) {
    out.extend([b'[', b'$', marker, b'#']);
    write_count(values.len(), out);
    out.extend(values.iter().flat_map(encode));
}

fn write_number(number: Number<'_>, out: &mut Vec<u8>) {
    match number {
        Number::Integer(value) => {
            out.push(b'L');
            out.extend(value.to_be_bytes());
        }
        Number::Float32(value) => {
            out.push(b'd');
            out.extend(value.to_be_bytes());
        }
        Number::Float64(value) => {
            out.push(b'D');
            out.extend(value.to_be_bytes());
        }
        // Only what was read from JSON is text, and that is not written as UBJSON before it is decoded.
        Number::Text(text) => write_number(Number::Float64(text.parse().unwrap_or(f64::NAN)), out),
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_count(text.len(), out);
    out.extend(text.bytes());
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    out.push(b'L');
    out.extend((count as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Document<'static> {
        let array =
            Document::Array(vec![Document::Null, Document::Boolean(true), Document::text("x")]);
        Document::object([
            ("array", array),
            ("floats", Document::Floats(vec![0.1, f32::NEG_INFINITY])),
            ("integers", Document::Integers(vec![-1, 7], Width::I32)),
            ("flags", Document::Integers(vec![0, 1], Width::U8)),
            ("nested", Document::object([("n", Document::Number(Number::Float64(0.1)))])),
        ])
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(read(&write(&sample())).unwrap(), sample());
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused() {
        let bytes = write(&sample());
        for length in 0..bytes.len() {
            assert!(matches!(read(&bytes[..length]), Err(Error::Syntax { .. })), "{length} bytes");
        }
    }

    #[test]
    fn counts_beyond_the_file_are_refused_before_memory_is_taken() {
        for array in [
            &b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
            b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"[$d#i\xff",
        ] {
            assert!(matches!(read(array), Err(Error::Syntax { .. })), "{array:?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(matches!(read(&b"[".repeat(100_000)), Err(Error::Syntax { .. })));
    }
}
