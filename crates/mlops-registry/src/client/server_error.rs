use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::ErrorKind;

/// What a server said in place of a result, or why it said nothing; the source of an [`Error`](crate::Error).
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerError {
    /// Method and address, without secrets and arguments.
    pub endpoint: String,
    /// How often the request was sent.
    pub attempts: u32,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// MLflow's name of the error, if it was MLflow that answered.
    pub code: Option<ErrorCode>,
    /// What the server said, shortened and without secrets, or what happened.
    pub message: String,
    /// Whether the server may have done what it was asked for.
    pub is_ambiguous: bool,
    pub(crate) login: Login,
    pub(crate) cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// What had been said about who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Nothing,
    Credentials,
    /// Identifier and secret, to whom gives tokens for them.
    TokenEndpoint,
}

/// MLflow's name of an error, such as `RESOURCE_DOES_NOT_EXIST`; servers have more of them than are known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(Cow<'static, str>);

impl ErrorCode {
    /// There is no such thing.
    pub const RESOURCE_DOES_NOT_EXIST: Self = Self(Cow::Borrowed("RESOURCE_DOES_NOT_EXIST"));
    /// There is one of this name already.
    pub const RESOURCE_ALREADY_EXISTS: Self = Self(Cow::Borrowed("RESOURCE_ALREADY_EXISTS"));
    /// An argument is missing or wrong.
    pub const INVALID_PARAMETER_VALUE: Self = Self(Cow::Borrowed("INVALID_PARAMETER_VALUE"));
    /// The server has not got this turned on.
    pub const FEATURE_DISABLED: Self = Self(Cow::Borrowed("FEATURE_DISABLED"));
    /// Whoever asks may not.
    pub const PERMISSION_DENIED: Self = Self(Cow::Borrowed("PERMISSION_DENIED"));

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The body of an error.
#[derive(Deserialize)]
#[serde(untagged)]
enum Explained {
    Mlflow {
        /// A name, and from Databricks sometimes the status.
        error_code: Value,
        #[serde(default)]
        message: String,
    },
    /// RFC 6749, section 5.2.
    TokenEndpoint {
        error: String,
        #[serde(default)]
        error_description: String,
    },
}

/// No more of a body is repeated.
const MAX_MESSAGE: usize = 1000;

impl ServerError {
    /// Reads an answer that is no result.
    pub(crate) fn of_answer(status: u16, body: &[u8]) -> Self {
        let explained: Option<Explained> = serde_json::from_slice(body).ok();
        let (code, message) = match explained {
            Some(Explained::Mlflow { error_code, message }) => {
                let name = error_code.as_str().map(str::to_owned);
                let name = name.unwrap_or_else(|| error_code.to_string());
                (Some(ErrorCode(name.into())), message)
            }
            Some(Explained::TokenEndpoint { error, error_description }) => {
                (None, format!("{error}: {error_description}"))
            }
            None => (None, plain(&String::from_utf8_lossy(body))),
        };
        let status = Some(status);
        Self { status, code, ..Self::without_answer(shortened(message)) }
    }

    /// No answer came, for this reason.
    pub(crate) fn without_answer(message: impl Into<String>) -> Self {
        Self {
            endpoint: String::new(),
            attempts: 1,
            status: None,
            code: None,
            message: message.into(),
            is_ambiguous: false,
            login: Login::Nothing,
            cause: None,
        }
    }

    /// An answer came, and is not what it should be.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self { status: Some(200), ..Self::without_answer(message) }
    }

    pub(crate) fn with_cause(self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        let is = |code: &ErrorCode| self.code.as_ref() == Some(code);
        match self.status {
            _ if is(&ErrorCode::FEATURE_DISABLED) => ErrorKind::Unsupported,
            _ if is(&ErrorCode::RESOURCE_ALREADY_EXISTS) => ErrorKind::AlreadyExists,
            // A page in place of JSON: the server has no such route.
            Some(404 | 405) if self.code.is_none() => ErrorKind::Unsupported,
            Some(501) => ErrorKind::Unsupported,
            Some(200..=299) => ErrorKind::Malformed,
            Some(404) => ErrorKind::NotFound,
            // MLflow's answer to an alias that is not there.
            Some(400) if self.message.contains(" alias ") && self.message.contains("not found") => {
                ErrorKind::NotFound
            }
            Some(401) => ErrorKind::Unauthorized,
            Some(400 | 403) if self.login == Login::TokenEndpoint => ErrorKind::Unauthorized,
            // Databricks' answer to a token that is none, or none any more.
            Some(403) if self.message.contains("Invalid access token") => ErrorKind::Unauthorized,
            Some(403) => ErrorKind::Forbidden,
            Some(400..=499) if self.status != Some(408) && self.status != Some(429) => {
                ErrorKind::Refused
            }
            Some(300..=399) => ErrorKind::Refused,
            _ => ErrorKind::Unavailable,
        }
    }

    /// What to do about it, where that is known.
    fn hint(&self) -> Option<&'static str> {
        match self.status {
            _ if self.kind() == ErrorKind::Unauthorized => Some(match self.login {
                Login::Nothing => "give the client a token, or a name and a password: `Auth`",
                Login::Credentials => "the token, or name and password, were not taken",
                Login::TokenEndpoint => "no token was given for the client's identifier and secret",
            }),
            Some(403) if self.message.contains("Invalid Host header") => Some(
                "the server answers under other host names only: start it with `--allowed-hosts` \
                 (MLFLOW_SERVER_ALLOWED_HOSTS) and this one, with its port, or name one that it \
                 knows: `MlflowClientBuilder::host_header`",
            ),
            Some(403) if self.login == Login::Credentials => {
                Some("the server knows who asks, and has not permitted it")
            }
            Some(400)
                if self.endpoint.starts_with("DELETE ")
                    && self.message.contains("Missing value for required parameter") =>
            {
                Some(
                    "something on the way takes the bodies of DELETE requests: a proxy has to let them pass",
                )
            }
            Some(300..=399) => Some("the server has moved: use the address that it names"),
            None => Some("see that the server runs and can be reached from here"),
            _ => None,
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, attempts, status, code, message, .. } = self;
        write!(f, "{endpoint}: ")?;
        if let Some(status) = status {
            write!(f, "status {status}")?;
            if let Some(code) = code {
                write!(f, " {code}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(if message.is_empty() { "no explanation" } else { message })?;
        if *attempts > 1 {
            write!(f, " (after {attempts} attempts)")?;
        }
        self.hint().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl StdError for ServerError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn StdError + 'static))
    }
}

/// A page without its tags and lines.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (at, part) in text.split('<').enumerate() {
        let shown = if at == 0 { part } else { part.split_once('>').map_or("", |(_, text)| text) };
        plain += shown;
        plain.push(' ');
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> (ErrorKind, String) {
        let mut error = ServerError::of_answer(status, body.as_bytes());
        error.endpoint = "GET http://h/x".to_owned();
        (error.kind(), error.to_string())
    }

    #[test]
    fn mlflow_and_whoever_stands_before_it_are_understood() {
        let missing = r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Run not found","sqlstate":"KAM00"}"#;
        let text = "GET http://h/x: status 404 RESOURCE_DOES_NOT_EXIST: Run not found";
        assert_eq!(answer(404, missing), (ErrorKind::NotFound, text.to_owned()));
        let page = "<!doctype html>\n<title>405 Method Not Allowed</title>\n<p>Not <b>here</b>";
        let text = "GET http://h/x: status 405: 405 Method Not Allowed Not here";
        assert_eq!(answer(405, page), (ErrorKind::Unsupported, text.to_owned()));
        for (status, body, kind) in [
            (400, r#"{"error_code":"RESOURCE_ALREADY_EXISTS"}"#, ErrorKind::AlreadyExists),
            (500, r#"{"error_code":"FEATURE_DISABLED"}"#, ErrorKind::Unsupported),
            (
                400,
                r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"Registered model alias x not found."}"#,
                ErrorKind::NotFound,
            ),
            (400, r#"{"error_code":"INVALID_PARAMETER_VALUE"}"#, ErrorKind::Refused),
            (403, "Permission denied", ErrorKind::Forbidden),
            (429, "", ErrorKind::Unavailable),
            (502, "", ErrorKind::Unavailable),
        ] {
            assert_eq!(answer(status, body).0, kind, "{status} {body}");
        }
    }

    #[test]
    fn a_way_out_is_told_where_there_is_one() {
        let (kind, text) =
            answer(403, "Invalid Host header - possible DNS rebinding attack detected");
        assert_eq!(kind, ErrorKind::Forbidden);
        assert!(text.contains("--allowed-hosts"), "{text}");
        let (kind, text) = answer(401, "<p>You are not authenticated");
        assert_eq!(kind, ErrorKind::Unauthorized);
        assert!(text.contains("You are not authenticated; give the client a token"), "{text}");
    }

    #[test]
    fn who_takes_the_bodies_of_deletions_away_is_told() {
        let body = r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"Missing value for required parameter 'name'."}"#;
        let mut error = ServerError::of_answer(400, body.as_bytes());
        error.endpoint = "POST http://h/x".to_owned();
        assert!(!error.to_string().contains("proxy"), "{error}");
        error.endpoint = "DELETE http://h/x".to_owned();
        assert!(error.to_string().contains("a proxy has to let them pass"), "{error}");
    }

    #[test]
    fn long_answers_are_cut_between_characters() {
        let (_, text) = answer(502, &"é".repeat(5000));
        assert!(text.ends_with("é ...") && text.chars().count() < 1100, "{text}");
    }
}
