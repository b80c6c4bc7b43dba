use std::fmt;
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use reqwest::{Client, Url};
use tokio::sync::Mutex;

use super::issuer::Issuer;
use super::{Auth, Credentials};
use crate::Error;
use crate::client::SettingError;
use crate::client::retries::Failure;
use crate::client::server_error::ServerError;

/// Who a client is for one server, and the token that it got for that.
pub(crate) enum Session {
    /// The same credentials for ever.
    Fixed(Credentials),
    /// Credentials that end.
    Renewed {
        issuer: Box<Issuer>,
        /// Whoever holds the lock asks for a token; the others wait for it.
        token: Mutex<Option<Token>>,
    },
}

#[derive(Clone)]
pub(crate) struct Token {
    text: String,
    renewed_at: Instant,
    ends_at: Instant,
}

/// A token is renewed in the last tenth of its time, and not earlier than this before its end.
const EARLY: Duration = Duration::from_secs(300);
/// No token is trusted for longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Session {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if a secret cannot be sent, or not secretly.
    pub(crate) fn new(auth: Auth, server: &Url) -> Result<Self, Error> {
        let issuer = match auth {
            Auth::None => return Ok(Self::Fixed(Credentials::None)),
            Auth::Token(token) if HeaderValue::from_str(&token).is_err() => {
                let form = SettingError::Form { expected: "one line of visible characters" };
                return Err(Error::setting("the token", form));
            }
            Auth::Token(token) => return Ok(Self::Fixed(Credentials::Bearer(token))),
            Auth::Basic { username, password } => {
                return Ok(Self::Fixed(Credentials::Basic { username, password }));
            }
            Auth::ServicePrincipal { client_id, client_secret } => {
                Issuer::workspace(server, client_id, client_secret)?
            }
            Auth::Entra(entra) => Issuer::entra(server, entra)?,
        };
        Ok(Self::Renewed { issuer: Box::new(issuer), token: Mutex::new(None) })
    }

    /// What a request is to say; a token is asked for if need be.
    ///
    /// # Errors
    /// What was said in place of a token.
    pub(crate) async fn credentials(
        &self,
        http: &Client,
    ) -> Result<Credentials, (Failure, ServerError)> {
        let (issuer, token) = match self {
            Self::Fixed(credentials) => return Ok(credentials.clone()),
            Self::Renewed { issuer, token } => (issuer, token),
        };
        let mut token = token.lock().await;
        let asked_at = Instant::now();
        if let Some(current) = token.as_ref().filter(|it| asked_at < it.renewed_at) {
            return Ok(Credentials::Bearer(current.text.clone()));
        }
        let text = match issuer.grant(http).await {
            Ok(granted) => {
                let time = Duration::from_secs(granted.expires_in.try_into().unwrap_or(0));
                let time = time.min(LONGEST);
                let ends_at = asked_at + time;
                let renewed_at = asked_at + time.saturating_sub(EARLY.min(time / 10));
                let text = granted.access_token;
                token.insert(Token { text, renewed_at, ends_at }).text.clone()
            }
            // The old one is good for a little longer.
            Err(failed) => match token.as_ref().filter(|it| Instant::now() < it.ends_at) {
                Some(current) => current.text.clone(),
                None => return Err(failed),
            },
        };
        Ok(Credentials::Bearer(text))
    }

    /// Forgets a token that the server did not take; says whether there can be another.
    pub(crate) async fn forget(&self, refused: &Credentials) -> bool {
        let Self::Renewed { token, .. } = self else { return false };
        let mut token = token.lock().await;
        // Another request may have got a new one meanwhile.
        if token.as_ref().is_some_and(|current| current.text == refused.secret()) {
            *token = None;
        }
        true
    }
}

/// Without secrets.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed(_) => "Fixed(..)",
            Self::Renewed { .. } => "Renewed { .. }",
        })
    }
}
