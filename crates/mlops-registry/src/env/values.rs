use std::path::PathBuf;
use std::str::FromStr;

use crate::Error;
use crate::client::SettingError;

/// The variables of an environment: that of the process, or a test's. None is empty.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    pub(super) fn text(self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// A number of which `holds` is true.
    ///
    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if it is not what was `expected`.
    pub(super) fn number<T: FromStr>(
        self,
        name: &str,
        expected: &'static str,
        holds: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.trim().parse().ok().filter(holds) {
            Some(number) => Ok(Some(number)),
            None => Err(setting(name, SettingError::Form { expected })),
        }
    }

    /// Whether something is turned on; it is not by default.
    ///
    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if it is neither `true` nor `false`.
    pub(super) fn flag(self, name: &str) -> Result<bool, Error> {
        match self.text(name).map(|text| text.to_lowercase()).as_deref() {
            Some("true" | "1") => Ok(true),
            None | Some("false" | "0") => Ok(false),
            Some(_) => {
                Err(setting(name, SettingError::Form { expected: "one of true, 1, false, 0" }))
            }
        }
    }

    /// A path below the home directory of whoever runs the program.
    ///
    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if there is none.
    pub(super) fn home(self, path: &str) -> Result<PathBuf, Error> {
        let home = self.text("HOME").or_else(|| self.text("USERPROFILE"));
        let home = home.ok_or_else(|| setting("HOME", SettingError::Missing))?;
        Ok(PathBuf::from(home).join(path))
    }
}

/// An error that names the variable and not its value.
pub(super) fn setting(variable: &str, error: SettingError) -> Error {
    Error::setting(format_args!("`{variable}`"), error)
}
