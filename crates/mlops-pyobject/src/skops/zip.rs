use std::borrow::Cow;
use std::collections::HashMap;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::budget::Budget;
use crate::path::shown;
use crate::{Error, Limit, Limits};

/// The files of a zip archive, stored or deflated, which is what Python's `zipfile` writes below
/// 4 GiB.
///
/// A reader of its own, because every allocation has to be checked against the size of the archive.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    entries: HashMap<&'a str, Entry>,
    /// The decompressed size of what has been read so far.
    expanded: usize,
    decompress: Decompress,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    is_encrypted: bool,
    method: u16,
    checksum: u32,
    compressed: usize,
    size: usize,
    /// Where the header before the content begins.
    start: usize,
}

impl<'a> Archive<'a> {
    pub(super) fn open(
        bytes: &'a [u8],
        limits: &Limits,
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let end = Fields::at(bytes, end_of_directory(bytes)?, 22)?;
        let (count, start) = (usize::from(end.u16(10)), end.u32(16));
        if count == usize::from(u16::MAX) || start == usize::MAX {
            return Err(Error::Unsupported { what: "a zip archive in 64-bit format" });
        }
        limits.check(Limit::ArchiveEntries, count)?;
        // So many entries have room in the bytes.
        slice(bytes, start, count * 46)?;
        let mut entries = HashMap::new();
        let mut offset = start;
        for _ in 0..count {
            let header = Fields::at(bytes, offset, 46)?;
            if !header.starts_with(b"PK\x01\x02") {
                return Err(MALFORMED);
            }
            let name = slice(bytes, offset + 46, header.u16(28).into())?;
            let name = str::from_utf8(name).map_err(|_| MALFORMED)?;
            let entry = Entry {
                is_encrypted: header.u16(8) & 1 != 0,
                method: header.u16(10),
                checksum: header.u32_exact(16),
                compressed: header.u32(20),
                size: header.u32(24),
                start: header.u32(42),
            };
            if budget.insert(&mut entries, name, entry)?.is_some() {
                return Err(Error::Archive { problem: "two files have the same name" });
            }
            let variable = [28, 30, 32].map(|place| usize::from(header.u16(place)));
            offset += 46 + variable.iter().sum::<usize>();
        }
        Ok(Self { bytes, entries, expanded: 0, decompress: Decompress::new(false) })
    }

    /// The name of a file as it stands in the archive.
    pub(super) fn name(&self, name: &str) -> Result<&'a str, Error> {
        let entry = self.entries.get_key_value(name);
        let absent = || Error::Entry { entry: shown(name), problem: ABSENT };
        entry.map(|(name, _)| *name).ok_or_else(absent)
    }

    /// The content of a file; a deflated one is charged to the budget.
    pub(super) fn read(
        &mut self,
        name: &str,
        limits: &Limits,
        budget: &mut Budget,
    ) -> Result<Cow<'a, [u8]>, Error> {
        let error = |problem| Error::Entry { entry: shown(name), problem };
        let entry = *self.entries.get(name).ok_or_else(|| error(ABSENT))?;
        if entry.is_encrypted {
            return Err(Error::Unsupported { what: "an encrypted archive" });
        }
        let header = Fields::at(self.bytes, entry.start, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(MALFORMED);
        }
        let start = entry.start + 30 + usize::from(header.u16(26)) + usize::from(header.u16(28));
        let compressed = slice(self.bytes, start, entry.compressed)?;
        self.expanded = self.expanded.saturating_add(entry.size);
        limits.check(Limit::ArchiveBytes, self.expanded)?;
        let content = match entry.method {
            0 => Cow::Borrowed(compressed),
            8 => {
                // One more byte tells whether there is more than there should be.
                budget.charge(entry.size.saturating_add(1))?;
                let mut content = Vec::with_capacity(entry.size + 1);
                self.inflate(compressed, &mut content).ok_or_else(|| error(CORRUPT))?;
                Cow::Owned(content)
            }
            _ => return Err(Error::Unsupported { what: "this compression of a zip archive" }),
        };
        let mut checksum = Crc::new();
        checksum.update(&content);
        if content.len() != entry.size || checksum.sum() != entry.checksum {
            return Err(error(CORRUPT));
        }
        Ok(content)
    }

    /// Decompresses into the capacity of `content`.
    fn inflate(&mut self, compressed: &[u8], content: &mut Vec<u8>) -> Option<()> {
        self.decompress.reset(false);
        let finish = FlushDecompress::Finish;
        let status = self.decompress.decompress_vec(compressed, content, finish).ok()?;
        (status == Status::StreamEnd).then_some(())
    }
}

/// Where the record at the end of an archive begins; only a comment may follow it.
fn end_of_directory(bytes: &[u8]) -> Result<usize, Error> {
    let last = bytes.len().checked_sub(22).ok_or(MALFORMED)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let is_record = |start: &usize| {
        let rest = &bytes[*start..];
        let comment = usize::from(u16::from_le_bytes([rest[20], rest[21]]));
        rest.starts_with(b"PK\x05\x06") && rest.len() == 22 + comment
    };
    (first..=last).rev().find(is_record).ok_or(MALFORMED)
}

/// A record of numbers in fixed places.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn at(bytes: &'a [u8], offset: usize, length: usize) -> Result<Self, Error> {
        slice(bytes, offset, length).map(Self)
    }

    fn starts_with(&self, signature: &[u8]) -> bool {
        self.0.starts_with(signature)
    }

    fn u16(&self, place: usize) -> u16 {
        u16::from_le_bytes([self.0[place], self.0[place + 1]])
    }

    fn u32_exact(&self, place: usize) -> u32 {
        u32::from(self.u16(place + 2)) << 16 | u32::from(self.u16(place))
    }

    /// A size or place; the largest number, which refers to the 64-bit format, is beyond any file.
    fn u32(&self, place: usize) -> usize {
        match self.u32_exact(place) {
            u32::MAX => usize::MAX,
            number => number as usize,
        }
    }
}

fn slice(bytes: &[u8], offset: usize, length: usize) -> Result<&[u8], Error> {
    let end = offset.checked_add(length).ok_or(MALFORMED)?;
    bytes.get(offset..end).ok_or(MALFORMED)
}

const MALFORMED: Error = Error::Archive { problem: "not a zip archive as Python writes it" };
const ABSENT: &str = "is not in the archive";
const CORRUPT: &str = "is corrupt";
