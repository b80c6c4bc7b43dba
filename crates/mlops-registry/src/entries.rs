//! Folders with one small file per key: parameters, tags, aliases, metrics.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use mlops_core::durable;

use crate::Error;

/// The folder of the tags of whatever has tags.
pub(crate) const TAGS: &str = "tags";

/// Reads the entry `key`, if it is there.
pub(crate) fn read(folder: &Path, key: &str) -> Result<Option<String>, Error> {
    let path = folder.join(key);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::io("read", &path, error)),
    }
}

/// Reads all entries; a key with slashes stands in folders of its own.
pub(crate) fn read_all(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut entries = BTreeMap::new();
    let mut pending = vec![String::new()];
    while let Some(prefix) = pending.pop() {
        let directory = folder.join(&prefix);
        for name in names(&directory)? {
            let key = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if folder.join(&key).is_dir() {
                pending.push(key);
            } else if let Some(text) = read(folder, &key)? {
                entries.insert(key, text);
            }
        }
    }
    Ok(entries)
}

/// An entry to be written, in the folder of its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: &'a str,
    pub(crate) key: &'a str,
    pub(crate) text: &'a str,
}

/// Writes an entry of `owner` through a temporary file there: MLflow takes every file in the folder of a kind for an entry.
pub(crate) fn write(owner: &Path, entry: Entry<'_>) -> Result<(), Error> {
    write_all(owner, [entry])
}

/// Writes several entries as [`write`] does, in about the time of one.
pub(crate) fn write_all<'a>(
    owner: &Path,
    entries: impl IntoIterator<Item = Entry<'a>>,
) -> Result<(), Error> {
    let mut files = Vec::new();
    for Entry { kind, key, text } in entries {
        let path = owner.join(kind).join(key);
        make_room(owner, &path)?;
        files.push((path, text));
    }
    let files = files.iter().map(|(path, text)| (path.as_path(), text.as_bytes()));
    durable::write_all_through(owner, files).map_err(|error| Error::io("write", owner, error))
}

/// Writes the entry `key` in a folder that nobody sees before it is flushed.
pub(crate) fn fill(folder: &Path, key: &str, text: &str) -> Result<(), Error> {
    let path = folder.join(key);
    make_room(folder, &path)?;
    fs::write(&path, text).map_err(|error| Error::io("write", &path, error))
}

fn make_room(folder: &Path, path: &Path) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))
}

/// Removes the entry `key`, and says whether it was there.
pub(crate) fn remove(folder: &Path, key: &str) -> Result<bool, Error> {
    let path = folder.join(key);
    let parent = path.parent().unwrap_or(folder);
    match fs::remove_file(&path).and_then(|()| durable::flush_directory(parent)) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(Error::io("remove", &path, error)),
    }
}

/// The names in a directory, sorted; none if it is not there.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let failed = |error| Error::io("list", directory, error);
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        // No name of the store is anything but UTF-8.
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether there is no such entry; `a/b` is none either where `a` is one, nor `a` where `a/b` is.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_slashes_and_values_with_lines_come_back() {
        let owner = tempfile::tempdir().unwrap();
        let folder = owner.path().join("params");
        assert_eq!(read_all(&folder).unwrap(), BTreeMap::new());
        for (key, text) in [("lr", "0.1"), ("val/auc", "1\n2"), ("val/x/y", ""), ("a", "ü")] {
            write(owner.path(), Entry { kind: "params", key, text }).unwrap();
            assert_eq!(read(&folder, key).unwrap().as_deref(), Some(text));
        }
        let keys: Vec<_> = read_all(&folder).unwrap().into_keys().collect();
        assert_eq!(keys, ["a", "lr", "val/auc", "val/x/y"]);
        assert_eq!(names(owner.path()).unwrap(), ["params"]);
        assert_eq!(read(&folder, "lr/x").unwrap(), None);
        assert_eq!(read(&folder, "val").unwrap(), None);
        assert!(remove(&folder, "val/x/y").unwrap());
        assert!(!remove(&folder, "val/x/y").unwrap());
        assert_eq!(read_all(&folder).unwrap().len(), 3);
    }
}
