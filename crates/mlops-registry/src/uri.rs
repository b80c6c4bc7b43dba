use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Alias, ArtifactPath, LoggedModelId, ModelName, NameError, RunId, Stage, file_uri};

/// Where a model is, in MLflow's words.
///
/// | text | means |
/// |---|---|
/// | `models:/NAME/VERSION` | a version of a registered model |
/// | `models:/NAME/latest` | its newest version |
/// | `models:/NAME/STAGE` | its newest version in a stage |
/// | `models:/NAME@ALIAS` | the version that an alias points to |
/// | `models:/m-<32 hexadecimal digits>` | a logged model of MLflow 3 |
/// | `runs:/RUN_ID/PATH` | an artifact of a run |
/// | `file:///PATH` or a path without scheme | a directory |
///
/// The `models:` forms may go on with `/PATH`, a file or directory of the model. As in MLflow
/// nothing but `file:` URIs is percent-encoded, and schemes, stages and `latest` may be written in
/// upper or lower case. Displayed and parsed again, every parsed URI is the same.
///
/// # Examples
/// ```
/// use mlops_registry::{ModelUri, UriError};
///
/// let uri: ModelUri = "models:/wine_quality/production".parse()?;
/// assert_eq!(uri.to_string(), "models:/wine_quality/Production");
///
/// let error = "models:/wine_quality".parse::<ModelUri>().unwrap_err();
/// assert_eq!(error, UriError::BareName { name: "wine_quality".to_owned() });
/// # Ok::<(), UriError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelUri {
    /// A version of a registered model.
    Registered {
        /// The registered model.
        name: ModelName,
        /// Which of its versions.
        version: VersionSelector,
        /// A file or directory of the model, if not all of it.
        path: Option<ArtifactPath>,
    },
    /// A logged model of MLflow 3.
    LoggedModel {
        /// The logged model.
        id: LoggedModelId,
        /// A file or directory of the model, if not all of it.
        path: Option<ArtifactPath>,
    },
    /// An artifact of a run.
    Run {
        /// The run.
        run_id: RunId,
        /// The artifact, if not all of them.
        path: Option<ArtifactPath>,
    },
    /// A directory of this machine.
    Path(PathBuf),
}

/// Which version of a registered model is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VersionSelector {
    /// The version with this number.
    Number(u64),
    /// The newest version.
    Latest,
    /// The newest version in a stage.
    Stage(Stage),
    /// The version that an alias points to.
    Alias(Alias),
}

/// Why a text is not a [`ModelUri`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// There is no text.
    #[error("the URI is empty")]
    Empty,
    /// The scheme is not one of those that are read.
    #[error("the scheme `{scheme}:` is not supported")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// Not exactly one slash follows the scheme.
    #[error("expected one slash after `{scheme}:`, as in `{scheme}:/name`; profiles are not read")]
    Slash {
        /// The scheme.
        scheme: &'static str,
    },
    /// An address of object storage without bucket, or of a host that is none of the provider's.
    #[error(
        "expected `s3://BUCKET/PATH`, `wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PATH` or \
         `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH` after `{scheme}:`"
    )]
    Bucket {
        /// The scheme.
        scheme: String,
    },
    /// A registered model without version.
    #[error(
        "`models:/{name}` does not say which version: write `models:/{name}/1`, \
         `models:/{name}/latest`, `models:/{name}/Production` or `models:/{name}@champion`"
    )]
    BareName {
        /// The name.
        name: String,
    },
    /// A number that is no version.
    #[error("`{version}` is not a version, expected ASCII digits without leading zero")]
    Version {
        /// The text in the place of the version.
        version: String,
    },
    /// Neither a version nor `latest` nor a stage.
    #[error(
        "`{stage}` is neither a version nor `latest` nor a stage \
         (None, Staging, Production, Archived)"
    )]
    Stage {
        /// The text in the place of the version.
        stage: String,
    },
    /// A part of the URI is empty or not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A `file:` URI of another machine.
    #[error("the file is on the host `{host}`, expected none")]
    Host {
        /// The host.
        host: String,
    },
    /// A `file:` URI without an absolute path.
    #[error("the path of a `file:` URI has to be absolute")]
    NotAbsolute,
    /// A `file:` URI with a bare `?` or `#`, a broken `%` sequence, or bytes that are not UTF-8.
    #[error("the path of a `file:` URI has to be percent-encoded UTF-8")]
    NotEncoded,
}

impl FromStr for ModelUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let Some((scheme, rest)) = split_scheme(text) else {
            let path = PathBuf::from(text);
            return if text.is_empty() { Err(UriError::Empty) } else { Ok(Self::Path(path)) };
        };
        match scheme.to_ascii_lowercase().as_str() {
            "models" => parse_model(after_slash(rest, "models")?),
            "runs" => parse_run(after_slash(rest, "runs")?),
            "file" => file_uri::decode(rest).map(Self::Path),
            _ => Err(UriError::Scheme { scheme: scheme.to_owned() }),
        }
    }
}

impl fmt::Display for ModelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self {
            Self::Registered { name, version, path } => {
                write!(f, "models:/{name}{version}")?;
                path
            }
            Self::LoggedModel { id, path } => {
                write!(f, "models:/{id}")?;
                path
            }
            Self::Run { run_id, path } => {
                write!(f, "runs:/{run_id}")?;
                path
            }
            Self::Path(path) => return path.display().fmt(f),
        };
        path.as_ref().map_or(Ok(()), |path| write!(f, "/{path}"))
    }
}

impl fmt::Display for VersionSelector {
    /// Writes the selector with the character that separates it from the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "/{number}"),
            Self::Latest => f.write_str("/latest"),
            Self::Stage(stage) => write!(f, "/{stage}"),
            Self::Alias(alias) => write!(f, "@{alias}"),
        }
    }
}

/// Splits `scheme:rest`; a single letter is a Windows drive, not a scheme.
pub(crate) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then_some((scheme, rest))
}

fn after_slash<'a>(rest: &'a str, scheme: &'static str) -> Result<&'a str, UriError> {
    rest.strip_prefix('/').filter(|rest| !rest.starts_with('/')).ok_or(UriError::Slash { scheme })
}

fn parse_model(text: &str) -> Result<ModelUri, UriError> {
    let (first, rest) = split_part(text);
    if let Ok(id) = first.parse() {
        return Ok(ModelUri::LoggedModel { id, path: parse_path(rest)? });
    }
    if let Some((name, alias)) = first.rsplit_once('@') {
        let version = VersionSelector::Alias(alias.parse()?);
        return Ok(ModelUri::Registered { name: name.parse()?, version, path: parse_path(rest)? });
    }
    let name: ModelName = first.parse()?;
    let Some(rest) = rest else {
        return Err(UriError::BareName { name: name.to_string() });
    };
    let (version, rest) = split_part(rest);
    Ok(ModelUri::Registered { name, version: parse_version(version)?, path: parse_path(rest)? })
}

fn parse_version(text: &str) -> Result<VersionSelector, UriError> {
    if text.is_empty() {
        return Err(NameError::Empty { what: "version" }.into());
    }
    if text.chars().all(char::is_numeric) {
        let is_canonical = text == "0" || !text.starts_with('0');
        let number = text.parse().ok().filter(|_| is_canonical).map(VersionSelector::Number);
        return number.ok_or_else(|| UriError::Version { version: text.to_owned() });
    }
    if text.eq_ignore_ascii_case("latest") {
        return Ok(VersionSelector::Latest);
    }
    let stage = text.parse().map_err(|_| UriError::Stage { stage: text.to_owned() })?;
    Ok(VersionSelector::Stage(stage))
}

fn parse_run(text: &str) -> Result<ModelUri, UriError> {
    let (run_id, rest) = split_part(text);
    Ok(ModelUri::Run { run_id: run_id.parse()?, path: parse_path(rest)? })
}

fn parse_path(text: Option<&str>) -> Result<Option<ArtifactPath>, UriError> {
    Ok(text.map(str::parse).transpose()?)
}

fn split_part(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((part, rest)) => (part, Some(rest)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "m-0123456789abcdef0123456789abcdef";

    fn parse(text: &str) -> Result<ModelUri, UriError> {
        text.parse()
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_form_is_read() {
        let registered = |version, path: Option<&str>| ModelUri::Registered {
            name: "wine quality".parse().unwrap(),
            version,
            path: path.map(|path| path.parse().unwrap()),
        };
        let alias = || VersionSelector::Alias("champion".parse().unwrap());
        for (text, expected) in [
            ("models:/wine quality/12", registered(VersionSelector::Number(12), None)),
            ("models:/wine quality/LATEST", registered(VersionSelector::Latest, None)),
            (
                "MODELS:/wine quality/staging",
                registered(VersionSelector::Stage(Stage::Staging), None),
            ),
            ("models:/wine quality@champion", registered(alias(), None)),
            ("models:/wine quality@champion/1/a", registered(alias(), Some("1/a"))),
            ("models:/wine quality/1/a", registered(VersionSelector::Number(1), Some("a"))),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        assert_eq!(
            parse(&format!("models:/{ID}/a/b")),
            Ok(ModelUri::LoggedModel {
                id: ID.parse().unwrap(),
                path: Some("a/b".parse().unwrap())
            })
        );
        assert_eq!(
            parse("runs:/aaaa/model"),
            Ok(ModelUri::Run {
                run_id: "aaaa".parse().unwrap(),
                path: Some("model".parse().unwrap())
            })
        );
        for path in ["/srv/model", "model", "../model", "C:\\model", "./a:b"] {
            assert_eq!(parse(path), Ok(ModelUri::Path(path.into())));
        }
        assert_eq!(parse("file:///a%20b"), Ok(ModelUri::Path("/a b".into())));
    }

    #[test]
    fn a_bare_name_is_refused_with_a_way_out() {
        insta::assert_snapshot!(error("models:/wine"), @"`models:/wine` does not say which version: write `models:/wine/1`, `models:/wine/latest`, `models:/wine/Production` or `models:/wine@champion`");
    }

    #[test]
    fn versions_are_written_in_one_way_only() {
        for version in ["01", "00", "١", "1²", "99999999999999999999"] {
            let text = format!("models:/wine/{version}");
            let expected = UriError::Version { version: version.to_owned() };
            assert_eq!(parse(&text), Err(expected));
        }
        assert_eq!(parse("models:/wine/-1"), Err(UriError::Stage { stage: "-1".to_owned() }));
    }

    #[test]
    fn empty_and_escaping_parts_are_refused() {
        for text in [
            "",
            "models:",
            "models:/",
            "models:wine/1",
            "models:/wine/",
            "models:/wine/1/",
            "models:/wine/1//a",
            "models:/wine/1/../a",
            "models:/../1",
            "models:/wine@",
            "models:/@champion",
            "models:/a@b@c",
            "models:/wine@latest",
            "models:/wine?x/1",
            "runs:/",
            "runs:/a/",
            "runs:/a/..",
            "runs:/a b/model",
            "file:",
            "file:a",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            parse("models://profile@databricks/wine/1"),
            Err(UriError::Slash { scheme: "models" })
        );
        insta::assert_snapshot!(error("s3://bucket/model"), @"the scheme `s3:` is not supported");
        insta::assert_snapshot!(error("models:/wine/Prod"), @"`Prod` is neither a version nor `latest` nor a stage (None, Staging, Production, Archived)");
        insta::assert_snapshot!(error("runs:/a/b/../c"), @"the path is not a plain relative path");
    }

    fn selector() -> impl Strategy<Value = VersionSelector> {
        let stages = [Stage::None, Stage::Staging, Stage::Production, Stage::Archived];
        prop_oneof![
            any::<u64>().prop_map(VersionSelector::Number),
            Just(VersionSelector::Latest),
            prop::sample::select(stages.to_vec()).prop_map(VersionSelector::Stage),
            "[a-u_]{1,9}".prop_map(|alias| VersionSelector::Alias(alias.parse().unwrap())),
        ]
    }

    fn uri() -> impl Strategy<Value = ModelUri> {
        let path = || {
            prop::option::of("[a-z é#]{1,4}(/[a-z%:@]{1,4}){0,2}").prop_filter_map(
                "a blank path is none",
                |path| match path {
                    Some(path) => path.parse().ok().map(Some),
                    None => Some(None),
                },
            )
        };
        prop_oneof![
            ("[a-zA-Z0-9_.#é-]{1,8}x", selector(), path()).prop_map(|(name, version, path)| {
                ModelUri::Registered { name: name.parse().unwrap(), version, path }
            }),
            ("m-[0-9a-f]{32}", path())
                .prop_map(|(id, path)| ModelUri::LoggedModel { id: id.parse().unwrap(), path }),
            ("[0-9a-f]{32}", path())
                .prop_map(|(id, path)| ModelUri::Run { run_id: id.parse().unwrap(), path }),
            "/[ -~]{0,20}".prop_map(|path| ModelUri::Path(path.into())),
        ]
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_parsed_again(uri in uri()) {
            prop_assert_eq!(parse(&uri.to_string()), Ok(uri));
        }

        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_is_stable(
            text in "((models|runs|file|s3):)?/{0,3}(\\PC|[/@.%0-9a-z]){0,40}"
        ) {
            if let Ok(uri) = parse(&text) {
                prop_assert_eq!(parse(&uri.to_string()), Ok(uri));
            }
        }
    }
}
