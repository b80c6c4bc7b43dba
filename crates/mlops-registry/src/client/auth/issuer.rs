use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::Entra;
use crate::Error;
use crate::client::SettingError;
use crate::client::exchange::exchange;
use crate::client::retries::Failure;
use crate::client::server_error::{Login, ServerError};
use crate::client::tls::is_private;
use crate::client::wire;

/// Who gives tokens to a client for its identifier and secret: RFC 6749, section 4.4.
pub(crate) struct Issuer {
    client_id: String,
    client_secret: String,
    place: Place,
}

enum Place {
    /// A workspace of Databricks, which says where.
    Workspace {
        url: Url,
        endpoint: OnceCell<Url>,
    },
    Entra {
        endpoint: Url,
    },
}

/// A token as it is given.
#[derive(Deserialize)]
pub(crate) struct Granted {
    pub(crate) access_token: String,
    /// For how long, in seconds.
    #[serde(default = "hour", with = "wire::integer")]
    pub(crate) expires_in: i64,
}

/// Databricks' word for everything that the principal may do.
const WORKSPACE_SCOPE: &str = "all-apis";
/// The same for Azure Databricks, whose identifier this is in every tenant.
const ENTRA_SCOPE: &str = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default";
const METADATA: &str = "/oidc/.well-known/oauth-authorization-server";

type Answer<T> = Result<T, (Failure, ServerError)>;

impl Issuer {
    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if the secret would be sent unencrypted.
    pub(crate) fn workspace(
        url: &Url,
        client_id: String,
        client_secret: String,
    ) -> Result<Self, Error> {
        check_secrecy(url)?;
        let place = Place::Workspace { url: url.clone(), endpoint: OnceCell::new() };
        Ok(Self { client_id, client_secret, place })
    }

    /// # Errors
    /// [`Setting`](crate::ErrorKind::Setting) if the address is none, or secret or token would be sent unencrypted.
    pub(crate) fn entra(server: &Url, entra: Entra) -> Result<Self, Error> {
        let Entra { tenant_id, client_id, client_secret, login_uri } = entra;
        let malformed = || {
            let form = SettingError::Form { expected: "the address of a server" };
            Error::setting("the login URI of Entra", form)
        };
        let mut endpoint = Url::parse(&login_uri).map_err(|_| malformed())?;
        let mut path = endpoint.path_segments_mut().map_err(|()| malformed())?;
        path.pop_if_empty().extend([tenant_id.as_str(), "oauth2", "v2.0", "token"]);
        drop(path);
        check_secrecy(server)?;
        check_secrecy(&endpoint)?;
        Ok(Self { client_id, client_secret, place: Place::Entra { endpoint } })
    }

    /// Asks for a token.
    ///
    /// # Errors
    /// What was said instead.
    pub(crate) async fn grant(&self, http: &Client) -> Answer<Granted> {
        let Self { client_id, client_secret, place } = self;
        let mut form = vec![("grant_type", "client_credentials")];
        let (endpoint, request) = match place {
            Place::Workspace { url, endpoint } => {
                let endpoint = endpoint.get_or_try_init(|| discovered(http, url)).await?;
                form.push(("scope", WORKSPACE_SCOPE));
                let request = http.post(endpoint.clone());
                (endpoint, request.basic_auth(client_id, Some(client_secret)))
            }
            Place::Entra { endpoint } => {
                form.push(("scope", ENTRA_SCOPE));
                form.push(("client_id", client_id));
                form.push(("client_secret", client_secret));
                (endpoint, http.post(endpoint.clone()))
            }
        };
        let request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded(endpoint, &form));
        let granted: Granted = answer(request, "POST", endpoint, client_secret).await?;
        if granted.access_token.is_empty() || HeaderValue::from_str(&granted.access_token).is_err()
        {
            return Err(malformed("the answer has no token", "POST", endpoint));
        }
        Ok(granted)
    }
}

/// Where a workspace gives tokens.
async fn discovered(http: &Client, workspace: &Url) -> Answer<Url> {
    #[derive(Deserialize)]
    struct Metadata {
        token_endpoint: String,
    }

    let mut url = workspace.clone();
    url.set_path(METADATA);
    let Metadata { token_endpoint } = answer(http.get(url.clone()), "GET", &url, "").await?;
    // Whoever could name another server would be sent the secret.
    Url::parse(&token_endpoint)
        .ok()
        .filter(|endpoint| endpoint.origin() == workspace.origin())
        .ok_or_else(|| malformed("the token endpoint is not on this server", "GET", &url))
}

async fn answer<T: DeserializeOwned>(
    request: RequestBuilder,
    method: &str,
    url: &Url,
    secret: &str,
) -> Answer<T> {
    let outcome = exchange(request, secret).await;
    let body = outcome.map_err(|(failure, error)| failed(failure, error, method, url))?;
    // Without the cause, which could repeat a token.
    serde_json::from_slice(&body)
        .map_err(|_| malformed("the answer is not that of a token endpoint", method, url))
}

fn malformed(message: &str, method: &str, url: &Url) -> (Failure, ServerError) {
    failed(Failure::Final, ServerError::malformed(message), method, url)
}

fn failed(
    failure: Failure,
    mut error: ServerError,
    method: &str,
    url: &Url,
) -> (Failure, ServerError) {
    error.endpoint = format!("{method} {url}");
    error.login = Login::TokenEndpoint;
    // Of the call that needs the token nothing was sent.
    let failure = if failure.is_ambiguous() { Failure::Unreachable } else { failure };
    (failure, error)
}

/// As HTML forms are, which is how pairs are written in a URL too.
fn encoded(url: &Url, form: &[(&str, &str)]) -> String {
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}

fn check_secrecy(url: &Url) -> Result<(), Error> {
    if is_private(url) {
        return Ok(());
    }
    Err(Error::setting(format_args!("`{url}`"), SettingError::Unencrypted))
}

/// What Databricks and Entra give.
fn hour() -> i64 {
    3600
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn forms_are_encoded() {
        let url = url("https://h/token?x=1");
        let form = encoded(&url, &[("a", "b c"), ("d", "&=é+")]);
        assert_eq!(form, "a=b+c&d=%26%3D%C3%A9%2B");
    }

    #[test]
    fn secrets_go_out_encrypted_or_not_at_all() {
        for here in ["https://h", "http://localhost:1", "http://127.0.0.1", "http://[::1]:8080/x"] {
            check_secrecy(&url(here)).unwrap();
        }
        for there in ["http://h", "http://localhost.h", "http://10.0.0.1", "http://127.0.0.1.h"] {
            let error = check_secrecy(&url(there)).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Setting, "{there}");
        }
    }

    #[test]
    fn a_tenant_is_one_part_of_the_path() {
        let entra = Entra::new("a/../b", "id", "secret").login_uri("https://login/");
        let issuer = Issuer::entra(&url("https://h"), entra).unwrap();
        let Place::Entra { endpoint } = issuer.place else { panic!("another place") };
        assert_eq!(endpoint.as_str(), "https://login/a%2F..%2Fb/oauth2/v2.0/token");
    }
}
