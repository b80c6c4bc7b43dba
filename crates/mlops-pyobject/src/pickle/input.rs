use std::str::FromStr;

use crate::Error;

/// The bytes of a pickle and how far they have been read.
#[derive(Debug)]
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    // Invariant: at most the length of `bytes`.
    offset: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.offset == self.bytes.len()
    }

    pub(super) fn error(&self, problem: &'static str) -> Error {
        Error::Pickle { offset: self.offset, problem }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let array = self.bytes[self.offset..].first_chunk().copied();
        let array = array.ok_or_else(|| self.error(ENDS_EARLY))?;
        self.offset += N;
        Ok(array)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.offset..];
        let taken = rest.get(..length).ok_or_else(|| self.error(ENDS_EARLY))?;
        self.offset += length;
        Ok(taken)
    }

    /// Bytes that follow their number, which stands in `size` bytes.
    pub(super) fn counted(&mut self, size: usize) -> Result<&'a [u8], Error> {
        let length = self.length(size)?;
        self.take(length)
    }

    /// A number in `size` bytes, of which there may be at most 8, little-endian.
    pub(super) fn length(&mut self, size: usize) -> Result<usize, Error> {
        let mut number = [0; 8];
        number[..size].copy_from_slice(self.take(size)?);
        usize::try_from(u64::from_le_bytes(number)).map_err(|_| self.error(ENDS_EARLY))
    }

    pub(super) fn counted_text(&mut self, size: usize) -> Result<&'a str, Error> {
        let bytes = self.counted(size)?;
        str::from_utf8(bytes).map_err(|_| self.error(NOT_UTF8))
    }

    /// The rest of a line, without its end.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.offset..];
        let length = rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(length.ok_or_else(|| self.error(ENDS_EARLY))?)?;
        self.offset += 1;
        Ok(line)
    }

    pub(super) fn text_line(&mut self) -> Result<&'a str, Error> {
        let line = self.line()?;
        str::from_utf8(line).map_err(|_| self.error(NOT_UTF8))
    }

    pub(super) fn parsed_line<T: FromStr>(&mut self) -> Result<T, Error> {
        let line = self.text_line()?;
        line.trim().parse().map_err(|_| self.error("not a number"))
    }
}

const ENDS_EARLY: &str = "the file ends early";
const NOT_UTF8: &str = "a text is not UTF-8";
