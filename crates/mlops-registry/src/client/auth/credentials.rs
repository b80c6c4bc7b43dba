use reqwest::RequestBuilder;

/// What one request says about who sends it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    None,
    Bearer(String),
    Basic { username: String, password: String },
}

impl Credentials {
    pub(crate) fn apply(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::None => request,
            Self::Bearer(token) => request.bearer_auth(token),
            Self::Basic { username, password } => request.basic_auth(username, Some(password)),
        }
    }

    /// What no error may repeat; empty if there is nothing.
    pub(crate) fn secret(&self) -> &str {
        match self {
            Self::None => "",
            Self::Bearer(secret) | Self::Basic { password: secret, .. } => secret,
        }
    }
}

/// A text of somebody else's without the secret that was sent there.
pub(crate) fn hidden(text: &str, secret: &str) -> String {
    if secret.is_empty() { text.to_owned() } else { text.replace(secret, "***") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_wherever_it_is() {
        assert_eq!(hidden("a s3cret, s3cret", "s3cret"), "a ***, ***");
        assert_eq!(hidden("nothing was sent", ""), "nothing was sent");
    }
}
