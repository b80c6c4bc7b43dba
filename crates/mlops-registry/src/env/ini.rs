//! The INI files of MLflow and Databricks, as Python's `configparser` reads them, but for what spans lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::Error;
use crate::client::SettingError;

/// A file of sections with keys and values, which may be secrets.
#[derive(Default)]
pub(super) struct Ini {
    sections: BTreeMap<String, Section>,
}

/// Values by their keys, which are in lower case.
pub(super) type Section = BTreeMap<String, String>;

impl Ini {
    /// Reads a file; one that is not there is empty.
    ///
    /// # Errors
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be read
    /// * [`Setting`](crate::ErrorKind::Setting) if it is malformed
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|error| Error::setting(path.display(), error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io("read", path, error)),
        }
    }

    /// A section, if it is there. Sections inherit nothing from `DEFAULT`: a secret must not go to the host of another
    /// profile.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.get(name)
    }

    fn parse(text: &str) -> Result<Self, SettingError> {
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        let mut current = None;
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                current = Some(sections.entry(name.to_owned()).or_default());
                continue;
            }
            let pair = line.split_once(['=', ':']);
            let (Some(section), Some((key, value))) = (current.as_mut(), pair) else {
                return Err(SettingError::Line { line: at + 1 });
            };
            section.insert(key.trim_end().to_lowercase(), value.trim_start().to_owned());
        }
        Ok(Self { sections })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_values_are_read() {
        for (text, section, key, value) in [
            ("[a]\nb = c", "a", "b", Some("c")),
            ("[a]\nb=c", "a", "b", Some("c")),
            ("[a]\nb: c", "a", "b", Some("c")),
            ("[a]\r\n  Host = https://h:8443/x  \r\n", "a", "host", Some("https://h:8443/x")),
            ("\u{feff}[a]\nb=c", "a", "b", Some("c")),
            ("# x\n; y = z\n\n[a]\n#b = no\nb = c#d ; e", "a", "b", Some("c#d ; e")),
            ("[a]\nb = c == d", "a", "b", Some("c == d")),
            ("[a]\nb = 50%%", "a", "b", Some("50%%")),
            ("[a]\nb =", "a", "b", Some("")),
            ("[a]\nb = 1\nb = 2", "a", "b", Some("2")),
            ("[a]\nb = 1\n[c]\n[a]\nd = 2", "a", "b", Some("1")),
            ("[my profile]\nb = é", "my profile", "b", Some("é")),
            ("[DEFAULT]\nb = 1\n[a]\nc = 2", "a", "b", None),
            ("[a]\n", "a", "b", None),
            ("", "a", "b", None),
        ] {
            let ini = Ini::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let found = ini.section(section).and_then(|section| section.get(key));
            assert_eq!(found.map(String::as_str), value, "{text:?}");
        }
    }

    #[test]
    fn other_lines_are_refused_by_number_without_their_content() {
        for (text, line) in [
            ("token = secret", 1),
            ("[a]\n\nsecret", 3),
            ("[a\nb = c", 1),
            ("[a]\nb = c\n  secret", 3),
        ] {
            let error = Ini::parse(text).err();
            assert_eq!(error, Some(SettingError::Line { line }), "{text:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_empty_and_one_that_cannot_be_read_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Ini::read(&folder.path().join("none")).unwrap().sections.is_empty());
        assert!(Ini::read(folder.path()).is_err());
        let malformed = folder.path().join("malformed");
        fs::write(&malformed, "secret").unwrap();
        let error = Ini::read(&malformed).err().unwrap();
        let text = format!("{error:?} {error}");
        assert!(text.contains("malformed") && !text.contains("secret"), "{text}");
    }
}
