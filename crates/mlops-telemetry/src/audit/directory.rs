//! The directory of the audit log: the names of segments, and what a crash leaves there.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use mlops_core::durable;

/// The sealed segments, the oldest first.
pub(super) fn sealed(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| number(name, SEALED)));
    }
    numbers.sort_unstable();
    Ok(numbers.into_iter().map(|number| directory.join(sealed_name(number))).collect())
}

/// Cuts the open segments after their last whole line and seals them; returns the number of the next.
pub(super) fn recover(directory: &Path) -> io::Result<u64> {
    let (mut open, mut last) = (Vec::new(), 0);
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let name = name.to_str().unwrap_or_default();
        open.extend(number(name, OPEN));
        last = last.max(number(name, OPEN).or_else(|| number(name, SEALED)).unwrap_or(0));
    }
    open.sort_unstable();
    let next = |last: u64| last.checked_add(1).ok_or(io::ErrorKind::QuotaExceeded);
    for number in open {
        let path = directory.join(open_name(number));
        let mut file = File::options().read(true).write(true).open(&path)?;
        let length = end_of_last_line(&mut file)?;
        file.set_len(length)?;
        file.sync_all()?;
        if length == 0 {
            fs::remove_file(path)?;
            continue;
        }
        // A sealed segment is never written over, whoever put it there.
        let mut sealed = directory.join(sealed_name(number));
        if sealed.try_exists()? {
            last = next(last)?;
            sealed = directory.join(sealed_name(last));
        }
        fs::rename(path, sealed)?;
    }
    durable::flush_directory(directory)?;
    Ok(next(last)?)
}

/// The length of a file without what follows the last newline.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut chunk = Vec::new();
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(start))?;
        chunk.clear();
        Read::take(&mut *file, end - start).read_to_end(&mut chunk)?;
        if let Some(newline) = chunk.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Makes a directory and those above it, so that a crash does not take them away.
pub(super) fn create_directories(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or_else(|| Path::new(""));
    create_directories(parent)?;
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !directory.is_dir() => {
            return Err(error);
        }
        _ => {}
    }
    let is_here = parent.as_os_str().is_empty();
    durable::flush_directory(if is_here { Path::new(".") } else { parent })
}

pub(super) fn sealed_name(number: u64) -> String {
    format!("{PREFIX}{number:020}{SEALED}")
}

pub(super) fn open_name(number: u64) -> String {
    format!("{PREFIX}{number:020}{OPEN}")
}

/// The number of the segment with this name and ending.
fn number(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(ending)?;
    let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

const PREFIX: &str = "segment-";
const SEALED: &str = ".jsonl";
const OPEN: &str = ".jsonl.open";
/// Files are searched from their end in pieces of this many bytes.
const CHUNK: u64 = 64 << 10;
