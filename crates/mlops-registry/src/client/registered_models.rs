use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::MlflowClient;
use super::call::Call;
use super::pages::{Page, Pages};
use super::wire::{self, Pair, map};
use crate::{Error, ErrorKind, Filter, RegisteredModel};

const PAGE: u32 = 1000;

impl MlflowClient {
    /// Registers a model under `name`; nothing happens if it is registered already.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if the name is not allowed.
    pub async fn register(&self, name: &str) -> Result<(), Error> {
        let body = json!({ "name": name });
        let call = Call::post("register the model", "registered-models/create", body).target(name);
        // A second attempt finds what the first one made.
        match self.transport.run(call.idempotent()).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome,
        }
    }

    /// The registered model called `name`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn registered_model(&self, name: &str) -> Result<RegisteredModel, Error> {
        let get = "get the registered model";
        let call = Call::get(get, "registered-models/get").query("name", name).target(name);
        self.transport.send::<One>(call).await?.registered_model.try_into()
    }

    /// The registered models for which a filter holds.
    pub fn search_registered_models(&self, filter: &Filter) -> Pages<RegisteredModel> {
        let call = Call::get("search", "registered-models/search")
            .target("registered models")
            .query("filter", filter)
            .query("max_results", PAGE);
        Pages::new::<Many>(&self.transport, call)
    }

    /// Gives a registered model another name, which its versions take too.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is none
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if the name is taken
    pub async fn rename_registered_model(&self, name: &str, new_name: &str) -> Result<(), Error> {
        let body = json!({ "name": name, "new_name": new_name });
        let rename = "rename the registered model";
        self.transport.run(Call::post(rename, "registered-models/rename", body).target(name)).await
    }

    /// Says what a registered model is for.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn set_registered_model_description(
        &self,
        name: &str,
        description: &str,
    ) -> Result<(), Error> {
        let body = json!({ "name": name, "description": description });
        let describe = "describe the registered model";
        let call = Call::patch(describe, "registered-models/update", body).target(name);
        self.transport.run(call.idempotent()).await
    }

    /// Sets a tag of a registered model.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such model.
    pub async fn set_registered_model_tag(
        &self,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        let body = json!({ "name": name, "key": key, "value": value });
        let call = Call::post("tag the registered model", "registered-models/set-tag", body);
        self.transport.run(call.target(name).idempotent()).await
    }

    /// Removes a tag of a registered model.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such model.
    pub async fn delete_registered_model_tag(&self, name: &str, key: &str) -> Result<(), Error> {
        let body = json!({ "name": name, "key": key });
        let delete = "delete the tag of the registered model";
        let call = Call::delete(delete, "registered-models/delete-tag", body).target(name);
        self.transport.run(call.idempotent()).await
    }

    /// Deletes a registered model and its versions.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn delete_registered_model(&self, name: &str) -> Result<(), Error> {
        let delete = "delete the registered model";
        let body = json!({ "name": name });
        self.transport
            .run(Call::delete(delete, "registered-models/delete", body).target(name))
            .await
    }
}

#[derive(Deserialize)]
struct Wire {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    aliases: Vec<WireAlias>,
    #[serde(default)]
    tags: Vec<Pair>,
    #[serde(default, with = "wire::integer")]
    creation_timestamp: i64,
}

#[derive(Deserialize)]
struct WireAlias {
    alias: String,
    version: String,
}

#[derive(Deserialize)]
struct One {
    registered_model: Wire,
}

#[derive(Deserialize)]
struct Many {
    #[serde(default)]
    registered_models: Vec<Wire>,
    #[serde(default)]
    next_page_token: String,
}

impl TryFrom<Wire> for RegisteredModel {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        let mut aliases = BTreeMap::new();
        for WireAlias { alias, version } in wire.aliases {
            let malformed = |_| {
                Error::new(ErrorKind::Malformed, "read the version", format_args!("`{version}`"))
            };
            aliases.insert(alias, version.parse().map_err(malformed)?);
        }
        Ok(Self {
            name: wire.name,
            description: wire.description,
            aliases,
            tags: map(wire.tags),
            creation_timestamp: wire.creation_timestamp,
        })
    }
}

impl Page for Many {
    type Item = RegisteredModel;

    fn split(self) -> Result<(Vec<RegisteredModel>, String), Error> {
        let models = self.registered_models.into_iter().map(TryInto::try_into);
        Ok((models.collect::<Result<_, _>>()?, self.next_page_token))
    }
}
