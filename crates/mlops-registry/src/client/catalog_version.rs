//! How a version gets into Unity Catalog, where it has files of its own.

use std::path::Path;

use mlops_core::ModelDir;
use serde_json::json;

use super::artifacts::{Transfer, blocking};
use super::call::Call;
use super::model_versions::One;
use super::once::RequestId;
use super::registration::PENDING;
use super::resolve::on_the_server;
use super::unity_catalog::{check_name, check_signature};
use super::{MlflowClient, NewModelVersion};
use crate::{Compare, Error, ErrorKind, Filter, ModelVersion};

const CREATE: &str = "create a version of";
/// The version of a request is among so many that are the newest.
const N_NEWEST: usize = 8;

impl MlflowClient {
    /// Creates a version, copies the files of its source to it, and finalizes it.
    pub(super) async fn create_with_files(
        &self,
        name: &str,
        mut version: NewModelVersion,
        transfer: &Transfer,
    ) -> Result<ModelVersion, Error> {
        check_name(CREATE, name)?;
        if let (None, Some(id)) = (&version.run_id, &version.model_id) {
            version.run_id = self.logged_model(id).await?.source_run_id;
        }
        let about = format!("`{name}` from `{}`", version.source);
        let folder = tempfile::tempdir()
            .map_err(|error| Error::new(ErrorKind::Io, CREATE, &about).with_source(error))?;
        let files = folder.path().join("model");
        self.fetch(&version.source, &files, transfer).await?;
        let model = files.clone();
        blocking(CREATE, move || {
            let unreadable =
                |error| Error::new(ErrorKind::Model, CREATE, &about).with_source(error);
            check_signature(&ModelDir::open(model).map_err(unreadable)?, &about)
        })
        .await?;

        let created = self.create_version(name, version).await?;
        let sent = self.artifacts_for(&created)?.upload(&files, "", transfer).await;
        if let Err(error) = sent {
            self.give_up(&created).await;
            return Err(error);
        }
        self.finalize(created).await
    }

    /// Copies what is at a version's source.
    async fn fetch(&self, source: &str, to: &Path, transfer: &Transfer) -> Result<(), Error> {
        let Some(uri) = on_the_server(source) else {
            return self.artifact_repository(source)?.download("", to, transfer).await;
        };
        let model = self.resolve(&uri).await?;
        let path = model.path.as_ref().map_or("", |path| path.as_str());
        self.artifacts_of(&model)?.download(path, to, transfer).await
    }

    /// Makes a version that has its files ready.
    async fn finalize(&self, created: ModelVersion) -> Result<ModelVersion, Error> {
        let ModelVersion { name, version, .. } = &created;
        let body = json!({ "name": name, "version": version.to_string() });
        let call = Call::post("finalize the version", "model-versions/finalize", body);
        let call = call.target(format_args!("{name}/{version}")).idempotent();
        let error = match self.transport.send::<One>(call).await {
            Ok(finalized) => return finalized.try_into(),
            Err(error) => error,
        };
        // An answer may have been lost, and the next attempt been refused for that.
        match self.transport.send::<One>(Self::version_call(name, *version)).await {
            Ok(One { model_version: found }) if found.status == PENDING => {
                self.give_up(&created).await;
                Err(error)
            }
            Ok(One { model_version: found }) if found.status == "READY" => found.try_into(),
            // Nobody knows.
            _ => Err(error),
        }
    }

    /// Deletes a version that nobody can use. Of two errors the first is the reason.
    async fn give_up(&self, ModelVersion { name, version, .. }: &ModelVersion) {
        let call = Self::delete_version_call(name, *version).idempotent();
        let _ = self.transport.run(call).await;
    }

    /// The version that a request created: the catalog does not search for tags.
    pub(super) async fn version_of_request(
        &self,
        name: &str,
        request: &RequestId,
    ) -> Result<Option<ModelVersion>, Error> {
        let named = Filter::attribute("name", Compare::Equal, name).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "look up", name).with_source(error)
        })?;
        let mut versions = self.search_model_versions(&named).all().await?;
        versions.sort_unstable_by_key(|version| std::cmp::Reverse(version.version));
        for version in versions.into_iter().take(N_NEWEST) {
            let version = self.model_version(name, version.version).await?;
            if request.is_of(&version.tags) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
