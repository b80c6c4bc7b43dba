use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::ModelDir;
use crate::{ModelError, ModelErrorKind};

/// A file of a model's directory, as the file system has it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ModelFile {
    /// Its path within the directory, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub n_bytes: u64,
    /// When it was written last, if the file system knows.
    pub modified: Option<SystemTime>,
}

impl ModelDir {
    /// All files, those in folders and behind links included, sorted by the bytes of their paths.
    ///
    /// # Errors
    /// [`ModelError`] if the directory cannot be read, is nested too deeply to be a model's, or has a name that is not
    /// UTF-8 or stands for what is no file, such as a pipe.
    pub fn files(&self) -> Result<Vec<ModelFile>, ModelError> {
        let mut files = Vec::new();
        collect(&self.path, "", MOST_FOLDERS, &mut files)?;
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(files)
    }

    /// The SHA-256 of the files and their paths, 64 hexadecimal digits. In a shell, for names without backslashes and line
    /// breaks:
    ///
    /// ```sh
    /// find -L . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
    /// ```
    ///
    /// # Errors
    /// [`ModelError`] as [`files`](Self::files), or if a file cannot be read.
    pub fn digest(&self) -> Result<String, ModelError> {
        let mut digest = Sha256::new();
        for ModelFile { path, .. } in self.files()? {
            let file = self.path.join(&path);
            let of_file = hash(&file).map_err(|error| ModelError::io(&file, error))?;
            digest.update(format!("{of_file}  ./{path}\n"));
        }
        Ok(hexadecimal(digest))
    }
}

/// Appends the files below `folder`, which is `prefix` within the directory.
fn collect(
    folder: &Path,
    prefix: &str,
    n_levels: usize,
    files: &mut Vec<ModelFile>,
) -> Result<(), ModelError> {
    let failed = |error| ModelError::io(folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry: PathBuf = entry.map_err(failed)?.path();
        let name = entry.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| unsupported("a name that is not UTF-8", &entry))?;
        let metadata = fs::metadata(&entry).map_err(|error| ModelError::io(&entry, error))?;
        if metadata.is_dir() {
            let n_levels =
                n_levels.checked_sub(1).ok_or_else(|| unsupported("folders so deep", &entry))?;
            collect(&entry, &format!("{prefix}{name}/"), n_levels, files)?;
        } else if !metadata.is_file() {
            return Err(unsupported("what is neither file nor folder", &entry));
        } else {
            files.push(ModelFile {
                path: format!("{prefix}{name}"),
                n_bytes: metadata.len(),
                modified: metadata.modified().ok(),
            });
        }
    }
    Ok(())
}

fn unsupported(what: &'static str, path: &Path) -> ModelError {
    ModelError::new(ModelErrorKind::Unsupported { what }, path)
}

fn hash(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut BufReader::new(File::open(path)?), &mut digest)?;
    Ok(hexadecimal(digest))
}

fn hexadecimal(digest: Sha256) -> String {
    format!("{:x}", digest.finalize())
}

/// Folders in folders; a link that leads in a circle ends here.
const MOST_FOLDERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// `find -L . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum` says so.
    const DIGEST: &str = "9113d796cc616730ba63198bb47b4e5cbdd8cde70c50b873172803b02a298e10";

    fn dir(path: &Path) -> ModelDir {
        fs::create_dir(path.join("a")).unwrap();
        fs::write(path.join("MLmodel"), "flavors: {}\n").unwrap();
        fs::write(path.join("a/model.json"), "7").unwrap();
        fs::write(path.join("a-b"), "").unwrap();
        ModelDir::open(path).unwrap()
    }

    #[test]
    fn the_digest_is_that_of_the_shell() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = dir(temporary.path());
        let paths: Vec<_> = dir.files().unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["MLmodel", "a-b", "a/model.json"]);
        assert_eq!(dir.digest().unwrap(), DIGEST);
        fs::write(temporary.path().join("a/model.json"), "8").unwrap();
        assert_ne!(dir.digest().unwrap(), DIGEST);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_a_circle_is_an_error() {
        use std::os::unix::fs::symlink;

        let (temporary, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = dir(elsewhere.path()).digest().unwrap();
        for name in ["MLmodel", "a", "a-b"] {
            symlink(elsewhere.path().join(name), temporary.path().join(name)).unwrap();
        }
        let linked = ModelDir::open(temporary.path()).unwrap();
        assert_eq!(linked.digest().unwrap(), expected);
        symlink(temporary.path(), elsewhere.path().join("a/circle")).unwrap();
        assert!(matches!(
            linked.digest().unwrap_err().kind(),
            ModelErrorKind::Unsupported { .. } | ModelErrorKind::Io
        ));
    }
}
