//! How a client says who it is.

mod credentials;
mod issuer;
mod session;

use std::fmt;

pub(crate) use credentials::{Credentials, hidden};
pub(crate) use session::Session;

/// How a client says who it is.
///
/// What it says goes to the server that the client was made for and to nobody else; redirects are not followed.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// It does not.
    #[default]
    None,
    /// By a token, such as a personal access token of Databricks: `Authorization: Bearer`.
    Token(String),
    /// By name and password: `Authorization: Basic`.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// As a service principal of Databricks (OAuth, machine to machine).
    ///
    /// The workspace is asked for a token before the first request, again before the token ends, and once more if it is
    /// not taken. However many requests wait for it, one at a time asks.
    ServicePrincipal {
        /// The identifier of the principal.
        client_id: String,
        /// Its secret.
        client_secret: String,
    },
    /// As an application of Microsoft Entra ID that may use Azure Databricks; tokens are got and kept as for a
    /// [`ServicePrincipal`](Self::ServicePrincipal), from Microsoft.
    Entra(Entra),
}

/// An application of Microsoft Entra ID.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Entra {
    tenant_id: String,
    client_id: String,
    client_secret: String,
    login_uri: String,
}

const LOGIN_URI: &str = "https://login.microsoftonline.com";

impl Entra {
    /// An application by its tenant, identifier and secret.
    pub fn new(
        tenant_id: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        Self {
            tenant_id: tenant_id.into(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            login_uri: LOGIN_URI.to_owned(),
        }
    }

    /// Where tokens are asked for; `https://login.microsoftonline.com` by default, other clouds have others.
    pub fn login_uri(self, uri: impl Into<String>) -> Self {
        Self { login_uri: uri.into(), ..self }
    }
}

/// Without secrets.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Token(_) => f.write_str("Token(..)"),
            Self::Basic { .. } => f.write_str("Basic { .. }"),
            Self::ServicePrincipal { .. } => f.write_str("ServicePrincipal { .. }"),
            Self::Entra(entra) => entra.fmt(f),
        }
    }
}

/// Without secrets.
impl fmt::Debug for Entra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entra(..)")
    }
}

#[cfg(test)]
mod tests;
