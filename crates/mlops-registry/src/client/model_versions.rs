use serde::Deserialize;
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::pages::{Page, Pages};
use super::wire::{self, Pair, filled, map};
use crate::{Compare, Error, ErrorKind, Filter, ModelVersion, Stage};

const PAGE: u32 = 1000;

impl MlflowClient {
    /// A version of a registered model.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn model_version(&self, name: &str, version: u64) -> Result<ModelVersion, Error> {
        self.one(Self::version_call(name, version)).await
    }

    /// The version that an alias points to.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn model_version_by_alias(
        &self,
        name: &str,
        alias: &str,
    ) -> Result<ModelVersion, Error> {
        let call = Call::get("get the version", "registered-models/alias")
            .target(format_args!("{name}@{alias}"))
            .query("name", name)
            .query("alias", alias);
        self.one(call).await
    }

    /// The newest version in each stage that has one.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the model is not registered.
    pub async fn latest_versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        let get = "get the latest versions of";
        let call = Call::get(get, "registered-models/get-latest-versions");
        let page: Many = self.transport.send(call.target(name).query("name", name)).await?;
        Ok(page.split()?.0)
    }

    /// All versions of a registered model by number, with their aliases.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered
    /// * [`Unsupported`](ErrorKind::Unsupported) if MLflow cannot search for the name, which has both kinds of quotes
    pub async fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        let no_words = |error| {
            let target = format_args!("`{name}`");
            Error::new(ErrorKind::Unsupported, "list the versions of", target).with_source(error)
        };
        let named = Filter::attribute("name", Compare::Equal, name).map_err(no_words)?;
        // The search knows neither which model is registered nor, with a database, any alias.
        let model = self.registered_model(name).await?;
        let mut versions = self.search_model_versions(&named).all().await?;
        for version in &mut versions {
            let own = model.aliases.iter().filter(|&(_, number)| *number == version.version);
            version.aliases = own.map(|(alias, _)| alias.clone()).collect();
        }
        versions.sort_unstable_by_key(|version| version.version);
        Ok(versions)
    }

    /// The versions of registered models for which a filter holds, the newest first; without aliases, which
    /// [`versions`](Self::versions) has.
    pub fn search_model_versions(&self, filter: &Filter) -> Pages<ModelVersion> {
        let call = Call::get("search", "model-versions/search")
            .target("model versions")
            .query("filter", filter)
            .query("max_results", PAGE);
        Pages::new::<Many>(&self.transport, call)
    }

    /// Where the files of a version are.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such version.
    pub async fn download_uri(&self, name: &str, version: u64) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Location {
            /// Unity Catalog may keep the files where no location leads.
            #[serde(default)]
            artifact_uri: String,
        }

        let call = Call::get("locate the version", "model-versions/get-download-uri")
            .target(format_args!("{name}/{version}"))
            .query("name", name)
            .query("version", version);
        Ok(self.transport.send::<Location>(call).await?.artifact_uri)
    }

    /// Moves a version to a stage; with `archive`, those that are there become `Archived`.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such version
    /// * [`NotArchivable`](ErrorKind::NotArchivable) if `archive` and the stage is neither `Staging` nor `Production`
    /// * [`Unsupported`](ErrorKind::Unsupported) if the server has no stages
    pub async fn transition_stage(
        &self,
        name: &str,
        version: u64,
        stage: Stage,
        archive: bool,
    ) -> Result<ModelVersion, Error> {
        let transition = "transition the version";
        let target = format!("{name}/{version}");
        if archive && !matches!(stage, Stage::Staging | Stage::Production) {
            // The server's answer would be an internal error.
            let target = format_args!("`{target}`");
            return Err(Error::new(ErrorKind::NotArchivable, transition, target));
        }
        let body = json!({
            "name": name,
            "version": version.to_string(),
            "stage": stage.as_str(),
            "archive_existing_versions": archive,
        });
        let call = Call::post(transition, "model-versions/transition-stage", body).target(target);
        self.one(call.idempotent()).await
    }

    /// Has an alias point to a version, wherever it pointed before.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such version
    /// * [`Refused`](ErrorKind::Refused) if the alias is not allowed
    pub async fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), Error> {
        let body = json!({ "name": name, "alias": alias, "version": version.to_string() });
        let call = Call::post("set the alias", "registered-models/alias", body);
        let call = call.target(format_args!("{name}@{alias}")).idempotent();
        self.transport.run(call).await
    }

    /// Removes an alias; nothing happens if there is none.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the model is not registered.
    pub async fn delete_alias(&self, name: &str, alias: &str) -> Result<(), Error> {
        let body = json!({ "name": name, "alias": alias });
        let call = Call::delete("delete the alias", "registered-models/alias", body);
        let call = call.target(format_args!("{name}@{alias}")).idempotent();
        self.transport.run(call).await
    }

    /// Sets a tag of a version.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such version.
    pub async fn set_model_version_tag(
        &self,
        name: &str,
        version: u64,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        let target = format!("{name}/{version}");
        let version = version.to_string();
        let body = json!({ "name": name, "version": version, "key": key, "value": value });
        let call = Call::post("tag the version", "model-versions/set-tag", body).target(target);
        self.transport.run(call.idempotent()).await
    }

    /// Removes a tag of a version.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such version.
    pub async fn delete_model_version_tag(
        &self,
        name: &str,
        version: u64,
        key: &str,
    ) -> Result<(), Error> {
        let target = format!("{name}/{version}");
        let body = json!({ "name": name, "version": version.to_string(), "key": key });
        let delete = "delete the tag of the version";
        let call = Call::delete(delete, "model-versions/delete-tag", body).target(target);
        self.transport.run(call.idempotent()).await
    }

    /// Says what is to be known about a version.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such version.
    pub async fn set_model_version_description(
        &self,
        name: &str,
        version: u64,
        description: &str,
    ) -> Result<(), Error> {
        let target = format!("{name}/{version}");
        let version = version.to_string();
        let body = json!({ "name": name, "version": version, "description": description });
        let call = Call::patch("describe the version", "model-versions/update", body);
        self.transport.run(call.target(target).idempotent()).await
    }

    /// Deletes a version; its files stay.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn delete_model_version(&self, name: &str, version: u64) -> Result<(), Error> {
        self.transport.run(Self::delete_version_call(name, version)).await
    }

    pub(crate) fn delete_version_call(name: &str, version: u64) -> Call {
        let body = json!({ "name": name, "version": version.to_string() });
        let call = Call::delete("delete the version", "model-versions/delete", body);
        call.target(format_args!("{name}/{version}"))
    }

    pub(crate) fn version_call(name: &str, version: u64) -> Call {
        Call::get("get the version", "model-versions/get")
            .target(format_args!("{name}/{version}"))
            .query("name", name)
            .query("version", version)
    }

    async fn one(&self, call: Call) -> Result<ModelVersion, Error> {
        self.transport.send::<One>(call).await?.try_into()
    }
}

#[derive(Deserialize)]
pub(crate) struct One {
    pub(crate) model_version: Wire,
}

#[derive(Deserialize)]
pub(crate) struct Wire {
    name: String,
    version: String,
    #[serde(default, with = "wire::integer")]
    creation_timestamp: i64,
    /// Unity Catalog has no stages.
    current_stage: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    run_id: String,
    storage_location: Option<String>,
    #[serde(default, deserialize_with = "wire::aliases")]
    aliases: Vec<String>,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) status_message: String,
    #[serde(default)]
    tags: Vec<Pair>,
}

#[derive(Deserialize)]
struct Many {
    #[serde(default)]
    model_versions: Vec<Wire>,
    #[serde(default)]
    next_page_token: String,
}

impl TryFrom<Wire> for ModelVersion {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        let malformed = |text: &str| {
            let target = format_args!("`{text}` of the registered model `{}`", wire.name);
            Error::new(ErrorKind::Malformed, "read the version", target)
        };
        let version = wire.version.parse().map_err(|_| malformed(&wire.version))?;
        let stage = wire.current_stage.as_deref().unwrap_or_default();
        let stage = if stage.is_empty() {
            Stage::None
        } else {
            stage.parse().map_err(|_| malformed(stage))?
        };
        let mut aliases = wire.aliases;
        aliases.sort_unstable();
        Ok(Self {
            version,
            stage,
            description: wire.description,
            source: wire.source,
            storage_location: wire.storage_location,
            run_id: filled(wire.run_id),
            tags: map(wire.tags),
            creation_timestamp: wire.creation_timestamp,
            aliases,
            name: wire.name,
        })
    }
}

impl TryFrom<One> for ModelVersion {
    type Error = Error;

    fn try_from(One { model_version }: One) -> Result<Self, Error> {
        model_version.try_into()
    }
}

impl Page for Many {
    type Item = ModelVersion;

    fn split(self) -> Result<(Vec<ModelVersion>, String), Error> {
        let versions = self.model_versions.into_iter().map(TryInto::try_into);
        Ok((versions.collect::<Result<_, _>>()?, self.next_page_token))
    }
}
