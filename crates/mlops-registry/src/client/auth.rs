use std::fmt;

use reqwest::RequestBuilder;

/// How a client says who it is.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// It does not.
    #[default]
    None,
    /// By a token: `Authorization: Bearer`.
    Token(String),
    /// By name and password: `Authorization: Basic`.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
}

impl Auth {
    pub(crate) fn apply(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::None => request,
            Self::Token(token) => request.bearer_auth(token),
            Self::Basic { username, password } => request.basic_auth(username, Some(password)),
        }
    }
}

/// Without secrets.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token(..)",
            Self::Basic { .. } => "Basic { .. }",
        })
    }
}
