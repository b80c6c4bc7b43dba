/// Why a setting cannot be used; the source of an [`Error`](crate::Error) of kind
/// [`Setting`](crate::ErrorKind::Setting), whose target names the setting.
///
/// No text repeats the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// It is not there, and nothing can be done without it.
    #[error("it is not set")]
    Missing,
    /// The value has not the form that it should have.
    #[error("it is not {expected}")]
    Form {
        /// What it should be.
        expected: &'static str,
    },
    /// It contradicts another setting.
    #[error("it cannot be used together with {other}")]
    Excludes {
        /// The other setting.
        other: &'static str,
    },
    /// A line of a configuration file means nothing.
    #[error("line {line} is neither a section nor a key with its value")]
    Line {
        /// The number of the line, counted from 1.
        line: usize,
    },
    /// The configuration file, if it is there at all, has no such section.
    #[error("there is no section `{section}`")]
    Section {
        /// The name of the section.
        section: String,
    },
    /// A secret would be sent unencrypted.
    #[error("secrets of this kind are sent to `https:` addresses and to this machine only")]
    Unencrypted,
}
