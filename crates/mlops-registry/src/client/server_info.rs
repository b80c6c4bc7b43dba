use serde::Deserialize;

use super::MlflowClient;
use super::call::Call;
use crate::Error;

/// What a server has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The version of MLflow, such as `3.17.2`, if the server says so. It is for reading: what a server has depends
    /// on its store and its settings too.
    pub version: Option<String>,
    /// Where the server keeps its records, such as `SqlStore`, if it says so.
    pub store_type: Option<String>,
    /// Whether it has logged models, as from MLflow 3.
    pub has_logged_models: bool,
    /// Whether it takes large artifacts in parts.
    pub has_multipart_uploads: bool,
    /// Whether it gives large artifacts in parts.
    pub has_multipart_downloads: bool,
}

impl MlflowClient {
    /// What the server has; it is asked once, and not again by clones of this client.
    ///
    /// # Errors
    /// What goes wrong with the server; the next call asks again.
    pub async fn server_info(&self) -> Result<&ServerInfo, Error> {
        self.server_info.get_or_try_init(|| self.ask_for_server_info()).await
    }

    async fn ask_for_server_info(&self) -> Result<ServerInfo, Error> {
        let call = Call::get("ask for what the server has", "/api/3.0/mlflow/server-info");
        let stated: Option<Stated> = supported(self.transport.send(call.target("server")).await)?;
        // MLflow had logged models for some time before it said so. A server that has none has no such route either.
        let has_logged_models = match &stated {
            Some(_) => true,
            None => supported(self.knows_logged_models().await)?.is_some(),
        };
        let Stated { store_type, multipart_uploads_enabled, multipart_downloads_enabled } =
            stated.unwrap_or_default();
        Ok(ServerInfo {
            version: self.version().await?,
            store_type,
            has_logged_models,
            has_multipart_uploads: multipart_uploads_enabled,
            has_multipart_downloads: multipart_downloads_enabled,
        })
    }

    /// Asks for a logged model that nobody has.
    async fn knows_logged_models(&self) -> Result<(), Error> {
        let nobody = format!("logged-models/m-{:032}", 0);
        let call = Call::get("ask for logged models of", nobody).target("server");
        match self.transport.run(call).await {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome,
        }
    }

    /// The version, unless whoever answers does not tell.
    async fn version(&self) -> Result<Option<String>, Error> {
        let call = Call::get("ask for the version of", "/version").target("server");
        let is_version = |text: &String| {
            text.starts_with(|c: char| c.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c))
        };
        match self.transport.text(call).await {
            Ok(text) => Ok(Some(text).filter(is_version)),
            Err(error) if error.kind() == crate::ErrorKind::Unavailable => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// What MLflow says of itself.
#[derive(Default, Deserialize)]
struct Stated {
    store_type: Option<String>,
    #[serde(default)]
    multipart_uploads_enabled: bool,
    #[serde(default)]
    multipart_downloads_enabled: bool,
}

/// `None` where the server has no such route.
fn supported<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(error) if error.is_unsupported() => Ok(None),
        answer => answer.map(Some),
    }
}
