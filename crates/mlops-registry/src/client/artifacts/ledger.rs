use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::staging::remove;

/// Which segments of a file are there, so that another attempt leaves them out.
///
/// ```text
/// 33554432 "0-ab12"    the size of a segment, and what the store said would change with the file
/// 1                    the second segment is there
/// 0                    the first, too
/// ```
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
}

/// What is known of the segments of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) tag: String,
    pub(super) there: BTreeSet<u64>,
}

impl Ledger {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// What an earlier attempt with segments of this size wrote.
    pub(super) fn read(&self, segment_size: u64) -> Option<Known> {
        let text = fs::read_to_string(&self.path).ok()?;
        // A line without its end was cut off.
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let (size, tag) = lines.next()?.split_once(' ')?;
        let there = lines.filter_map(|line| line.parse().ok()).collect();
        (size.parse() == Ok(segment_size)).then(|| Known { tag: tag.to_owned(), there })
    }

    /// Begins a new one.
    pub(super) fn begin(&self, segment_size: u64, tag: &str) -> io::Result<Known> {
        fs::write(&self.path, format!("{segment_size} {tag}\n"))?;
        Ok(Known { tag: tag.to_owned(), there: BTreeSet::new() })
    }

    /// A segment was left to the system whole.
    pub(super) fn add(&self, segment: u64) -> io::Result<()> {
        let mut file = fs::File::options().append(true).open(&self.path)?;
        file.write_all(format!("{segment}\n").as_bytes())
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_was_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(folder.path().join("ledger"));
        assert_eq!(ledger.read(4), None);
        assert_eq!(ledger.begin(4, "\"a b\"").unwrap().tag, "\"a b\"");
        ledger.add(3).unwrap();
        ledger.add(11).unwrap();
        let there = BTreeSet::from([3, 11]);
        let known = Known { tag: "\"a b\"".to_owned(), there };
        assert_eq!(ledger.read(4), Some(known));
        assert_eq!(ledger.read(5), None);
        fs::write(folder.path().join("ledger"), "4 tag\n3\n1").unwrap();
        assert_eq!(ledger.read(4).unwrap().there, BTreeSet::from([3]));
        fs::write(folder.path().join("ledger"), "4 ta").unwrap();
        assert_eq!(ledger.read(4), None);
        ledger.remove().unwrap();
        ledger.remove().unwrap();
        assert_eq!(ledger.read(4), None);
    }
}
