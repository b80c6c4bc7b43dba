use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::staging::Staging;
use crate::{Error, ErrorKind};

/// The SHA-256 of files, as `sha256sum` writes it: 64 hexadecimal digits, two characters and the path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checksums(BTreeMap<String, String>);

impl Checksums {
    /// The file that they are written to.
    pub(crate) const FILE: &str = "SHA256SUMS";

    /// Those of the files in `folder`.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) if one cannot be read.
    pub(crate) fn of(folder: &Path, paths: impl Iterator<Item = String>) -> Result<Self, Error> {
        paths
            .map(|path| {
                let file = folder.join(&path);
                let digest = digest(&file).map_err(|error| Error::io("read", &file, error))?;
                Ok((path, digest))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Together with those of other files.
    pub(crate) fn extend(&mut self, Self(others): Self) {
        self.0.extend(others);
    }

    pub(super) fn verify(staging: &Staging) -> Result<(), Error> {
        let file = staging.file(Self::FILE);
        // One of another form is a file like others.
        let text = fs::read_to_string(&file).unwrap_or_default();
        let promised = Self::parse(&text).unwrap_or_default();
        for (path, promised) in &promised.0 {
            let found = digest(&staging.file(path));
            if !found.is_ok_and(|found| found == *promised) {
                let forgotten = staging.forget(path);
                forgotten.map_err(|error| Error::io("remove", &staging.file(path), error))?;
                let target = format_args!("`{path}`: another SHA-256 than {} says", Self::FILE);
                return Err(Error::new(ErrorKind::Malformed, "download", target));
            }
        }
        Ok(())
    }

    fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| {
            let (digest, path) = line.split_at_checked(64)?;
            let path = path.strip_prefix("  ").or_else(|| path.strip_prefix(" *"))?;
            let path = path.strip_prefix("./").unwrap_or(path);
            path.parse::<crate::ArtifactPath>().ok()?;
            Some((path.to_owned(), digest.to_ascii_lowercase()))
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut BufReader::new(File::open(path)?), &mut digest)?;
    Ok(format!("{:x}", digest.finalize()))
}

impl fmt::Display for Checksums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(digests) = self;
        digests.iter().try_for_each(|(path, digest)| writeln!(f, "{digest}  ./{path}"))
    }
}
