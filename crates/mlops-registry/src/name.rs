use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;

/// Why a key, name, identifier or path is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no text, or only white space.
    #[error("the {what} is empty")]
    Empty {
        /// What was named.
        what: &'static str,
    },
    /// The text is too long to be stored.
    #[error("the {what} has {length} characters, at most {limit} are allowed")]
    TooLong {
        /// What was named.
        what: &'static str,
        /// The number of characters.
        length: usize,
        /// The largest number of characters.
        limit: usize,
    },
    /// A character is not allowed.
    #[error("the {what} has the character {character:?}, which is not allowed")]
    Character {
        /// What was named.
        what: &'static str,
        /// The first such character.
        character: char,
    },
    /// Read as a path, the text leads elsewhere: it is absolute or has an empty, `.` or `..` part.
    #[error("the {what} is not a plain relative path")]
    NotPlain {
        /// What was named.
        what: &'static str,
    },
    /// The text means something else already.
    #[error("the {what} is reserved")]
    Reserved {
        /// What was named.
        what: &'static str,
    },
    /// The text does not have the form of such an identifier.
    #[error("this is not a {what}")]
    Form {
        /// What was named.
        what: &'static str,
    },
}

/// Declares a checked text with the rule that it obeys.
macro_rules! checked_text {
    ($(#[$documentation:meta])* $name:ident, $check:path) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text! {
    /// The name of a registered model.
    ///
    /// As in MLflow 3 it has no `/`, `:` or `%`. It has no `@` and no `?` either, because a URI
    /// could not tell `a@b` from the alias `b` of `a`, and MLflow cuts URIs at `?`.
    ModelName, check_model_name
}

checked_text! {
    /// A name such as `champion` that points to one version of a registered model: letters, digits,
    /// `_` and `-`, but not `latest` or `v1`.
    Alias, check_alias
}

checked_text! {
    /// The identifier of a run: 32 hexadecimal digits where this crate or MLflow chose it.
    RunId, check_run_id
}

checked_text! {
    /// The identifier of a logged model of MLflow 3: `m-` and 32 hexadecimal digits.
    LoggedModelId, check_logged_model_id
}

checked_text! {
    /// A relative path with `/` between its parts, below the artifacts of a run or a model.
    ArtifactPath, check_artifact_path
}

impl RunId {
    pub(crate) fn random() -> Self {
        Self(crate::random::hexadecimal_id())
    }
}

impl ArtifactPath {
    /// The path below this one.
    #[cfg(feature = "client")]
    pub(crate) fn join(&self, path: &Self) -> Self {
        Self(format!("{self}/{path}"))
    }

    /// Splits the first part of the path from the others.
    pub(crate) fn split_first(&self) -> (&str, Option<&str>) {
        match self.0.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (&self.0, None),
        }
    }
}

/// Checks the key of a parameter, metric or tag by MLflow's rule.
pub(crate) fn check_key(key: &str, what: &'static str) -> Result<(), NameError> {
    check_length(key, what, 250)?;
    let allowed = |c: char| is_word(c) || matches!(c, '-' | '.' | ' ' | '/' | ':');
    check_characters(key, what, allowed)?;
    // MLflow refuses every key that starts with two dots, also `..a`.
    if key.starts_with("..") || !is_plain(key) {
        return Err(NameError::NotPlain { what });
    }
    Ok(())
}

pub(crate) fn check_experiment_name(name: &str) -> Result<(), NameError> {
    check_length(name, "experiment name", 500)
}

fn check_model_name(name: &str) -> Result<(), NameError> {
    let what = "model name";
    check_length(name, what, 255)?;
    let refused = |c: char| matches!(c, '/' | ':' | '%' | '@' | '?' | '\\') || c.is_control();
    check_characters(name, what, |c| !refused(c))?;
    if is_plain(name) { Ok(()) } else { Err(NameError::NotPlain { what }) }
}

fn check_alias(alias: &str) -> Result<(), NameError> {
    let what = "alias";
    check_length(alias, what, 255)?;
    check_characters(alias, what, |c| is_word(c) || c == '-')?;
    let is_version = alias
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(char::is_numeric));
    if is_version || alias.eq_ignore_ascii_case("latest") {
        return Err(NameError::Reserved { what });
    }
    Ok(())
}

fn check_run_id(id: &str) -> Result<(), NameError> {
    let what = "run id";
    check_length(id, what, 256)?;
    check_characters(id, what, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))?;
    if id.starts_with(['_', '-']) { Err(NameError::Form { what }) } else { Ok(()) }
}

fn check_logged_model_id(id: &str) -> Result<(), NameError> {
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    match id.strip_prefix("m-") {
        Some(digits) if digits.len() == 32 && digits.chars().all(is_digit) => Ok(()),
        _ => Err(NameError::Form { what: "logged model id" }),
    }
}

fn check_artifact_path(path: &str) -> Result<(), NameError> {
    let what = "path";
    check_length(path, what, 4096)?;
    check_characters(path, what, |c| c != '\0')?;
    if is_plain(path) { Ok(()) } else { Err(NameError::NotPlain { what }) }
}

/// Checks that a text is not blank and has at most `limit` characters.
pub(crate) fn check_length(text: &str, what: &'static str, limit: usize) -> Result<(), NameError> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        Err(NameError::Empty { what })
    } else if length > limit {
        Err(NameError::TooLong { what, length, limit })
    } else {
        Ok(())
    }
}

fn check_characters(
    text: &str,
    what: &'static str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), NameError> {
    match text.chars().find(|&c| !allowed(c)) {
        Some(character) => Err(NameError::Character { what, character }),
        None => Ok(()),
    }
}

/// Whether `text` is a relative path in its shortest form, on this operating system too.
fn is_plain(text: &str) -> bool {
    text.split('/').all(|part| {
        let mut components = Path::new(part).components();
        let first = components.next();
        matches!(first, Some(Component::Normal(name)) if name == part)
            && components.next().is_none()
    })
}

/// `\w` of Python's regular expressions.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_rule_of_mlflow() {
        for key in ["lr", "val/auc", "a b", "a:b", "größe", ".hidden", "a..b"] {
            assert_eq!(check_key(key, "key"), Ok(()), "{key}");
        }
        for key in ["..", "../x", "a/../b", "/a", "a//b", "a/", "./a", ".", "..a"] {
            assert_eq!(check_key(key, "key"), Err(NameError::NotPlain { what: "key" }), "{key}");
        }
        let character = NameError::Character { what: "key", character: '*' };
        assert_eq!(check_key("a*", "key"), Err(character));
        assert_eq!(check_key("", "key"), Err(NameError::Empty { what: "key" }));
        assert_eq!(check_key(&"k".repeat(250), "key"), Ok(()));
        let long = NameError::TooLong { what: "key", length: 251, limit: 250 };
        assert_eq!(check_key(&"k".repeat(251), "key"), Err(long));
    }

    #[test]
    fn model_names_fit_into_a_uri_and_a_folder() {
        for name in ["wine_quality", "wine quality", "catalog.schema.model", "a#b"] {
            assert_eq!(name.parse::<ModelName>().unwrap().as_str(), name);
        }
        for name in ["", " ", "a/b", "a:b", "a%b", "a@b", "a?b", "a\\b", "..", ".", "a\n"] {
            assert!(name.parse::<ModelName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn aliases_cannot_be_mistaken_for_versions() {
        assert_eq!("champion-2".parse::<Alias>().unwrap().as_str(), "champion-2");
        for alias in ["latest", "LATEST", "v1", "V23"] {
            assert_eq!(alias.parse::<Alias>(), Err(NameError::Reserved { what: "alias" }));
        }
        for alias in ["", "a b", "a.b", "a/b"] {
            assert!(alias.parse::<Alias>().is_err(), "{alias:?}");
        }
    }

    #[test]
    fn random_run_ids_are_run_ids() {
        let id = RunId::random();
        assert_eq!(id.as_str().parse::<RunId>(), Ok(id));
    }
}
