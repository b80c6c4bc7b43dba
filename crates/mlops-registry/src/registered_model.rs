use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mlops_core::durable;
use serde::Deserialize;
use serde_json::json;

use crate::alias::ALIASES;
use crate::entries::{Entry, TAGS};
use crate::field::Field;
use crate::local::MODELS;
use crate::name::check_key;
use crate::search::{self, Searched, Value};
use crate::{Error, ErrorKind, Filter, LocalStore, ModelName, alias, entries, meta, model_version};

/// A registered model: a name for versions of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredModel {
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The versions that aliases point to.
    pub aliases: BTreeMap<String, u64>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// When it was registered, in milliseconds since 1970 in UTC.
    pub creation_timestamp: i64,
}

impl LocalStore {
    /// Registers a model under `name`; nothing happens if it is registered already.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if `name` is not a [`ModelName`]
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn register(&self, name: &str) -> Result<(), Error> {
        let folder = self.model_folder(name)?;
        let _lock = self.lock()?;
        if meta::is_there(&folder) {
            return Ok(());
        }
        let models = self.root().join(MODELS);
        fs::create_dir_all(&models).map_err(|error| Error::io("create", &models, error))?;
        let now = meta::now();
        let content = json!({
            "aliases": {},
            "creation_timestamp": now,
            "description": null,
            "last_updated_timestamp": now,
            "name": name,
        });
        self.create_folder(&folder, |folder| meta::fill(folder, &content))
    }

    /// The registered model called `name`.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is none
    /// * [`Malformed`](ErrorKind::Malformed) if its files are not those of a registered model
    pub fn registered_model(&self, name: &str) -> Result<RegisteredModel, Error> {
        read(&self.registered_folder(name)?)
    }

    /// The registered models for which a filter of `name` and tags holds, by name.
    ///
    /// # Errors
    /// * [`Refused`](ErrorKind::Refused) if the filter asks for what registered models do not have
    /// * [`Malformed`](ErrorKind::Malformed) if a file is not that of a registered model
    pub fn search_registered_models(&self, filter: &Filter) -> Result<Vec<RegisteredModel>, Error> {
        let folders = self.registered_folders()?;
        let models = folders.iter().map(|folder| read(folder)).collect::<Result<_, _>>()?;
        search::select(models, filter)
    }

    /// Gives a registered model another name.
    ///
    /// A crash may leave the model under both names.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if `new_name` is not a [`ModelName`]
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered
    /// * [`AlreadyExists`](ErrorKind::AlreadyExists) if there is one of the new name
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn rename_registered_model(
        &self,
        name: &str,
        new_name: &str,
    ) -> Result<RegisteredModel, Error> {
        let new_folder = self.model_folder(new_name)?;
        let _lock = self.lock()?;
        let folder = self.registered_folder(name)?;
        if meta::is_there(&new_folder) {
            let target = format_args!("`{name}` as `{new_name}`");
            return Err(Error::new(ErrorKind::AlreadyExists, "rename", target));
        }
        // Every file names the model, and a copy is the one way to change them all at once.
        self.create_folder(&new_folder, |new| {
            copy(&folder, new)?;
            for version in model_version::folders(new)? {
                rename(&version, new_name)?;
            }
            rename(new, new_name)
        })?;
        self.remove_folder(&folder)?;
        read(&new_folder)
    }

    /// Says what a registered model is for.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn update_registered_model(
        &self,
        name: &str,
        description: &str,
    ) -> Result<RegisteredModel, Error> {
        let _lock = self.lock()?;
        let folder = self.registered_folder(name)?;
        meta::describe(&folder, description)?;
        read(&folder)
    }

    /// Sets a tag of a registered model, replacing the old value.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn set_registered_model_tag(
        &self,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name("set the tag", key, error))?;
        let _lock = self.lock()?;
        let folder = self.registered_folder(name)?;
        entries::write(&folder, Entry { kind: TAGS, key, text: value })?;
        touch(&folder)
    }

    /// Removes a tag of a registered model; nothing happens if there is none.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered
    /// * [`Io`](ErrorKind::Io) if it cannot be removed
    pub fn delete_registered_model_tag(&self, name: &str, key: &str) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name("delete the tag", key, error))?;
        let _lock = self.lock()?;
        let folder = self.registered_folder(name)?;
        if entries::remove(&folder.join(TAGS), key)? { touch(&folder) } else { Ok(()) }
    }

    /// Deletes a registered model with its versions, for good. The files of the models stay where they are.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered
    /// * [`Io`](ErrorKind::Io) if it cannot be removed
    pub fn delete_registered_model(&self, name: &str) -> Result<(), Error> {
        let _lock = self.lock()?;
        self.remove_folder(&self.registered_folder(name)?)
    }

    pub(crate) fn registered_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.model_folder(name)?;
        if meta::is_there(&folder) {
            return Ok(folder);
        }
        Err(Error::not_found(format_args!("the registered model `{name}`")))
    }

    /// The folders of all registered models.
    pub(crate) fn registered_folders(&self) -> Result<Vec<PathBuf>, Error> {
        let models = self.root().join(MODELS);
        let folders = entries::names(&models)?.into_iter().map(|name| models.join(name));
        Ok(folders.filter(|folder| meta::is_there(folder)).collect())
    }

    fn model_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let name: ModelName =
            name.parse().map_err(|error| Error::name("find the registered model", name, error))?;
        Ok(self.root().join(MODELS).join(name.as_str()))
    }
}

/// Records that a registered model changed.
pub(crate) fn touch(model: &Path) -> Result<(), Error> {
    let aliases = entries::read_all(&model.join(ALIASES))?;
    meta::update(model, |meta| {
        // MLflow reads the files, and repeats them here.
        meta.insert("aliases".to_owned(), json!(aliases));
        meta.insert(meta::UPDATED.to_owned(), json!(meta::now()));
    })
}

fn read(folder: &Path) -> Result<RegisteredModel, Error> {
    let meta: RegisteredModelMeta = meta::read(folder)?;
    Ok(RegisteredModel {
        name: meta.name,
        description: meta.description.unwrap_or_default(),
        aliases: alias::read_all(folder)?,
        tags: entries::read_all(&folder.join(TAGS))?,
        creation_timestamp: meta.creation_timestamp,
    })
}

fn rename(folder: &Path, name: &str) -> Result<(), Error> {
    meta::update(folder, |meta| {
        meta.insert("name".to_owned(), json!(name));
        meta.insert(meta::UPDATED.to_owned(), json!(meta::now()));
    })
}

/// Copies a folder, without what a crash has left in it.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    for name in entries::names(from)? {
        let (source, target) = (from.join(&name), to.join(&name));
        let failed = |error| Error::io("copy", &source, error);
        if source.is_dir() {
            fs::create_dir(&target).map_err(failed)?;
            copy(&source, &target)?;
        } else if !durable::is_temporary(&name) {
            fs::copy(&source, &target).map_err(failed)?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct RegisteredModelMeta {
    name: String,
    description: Option<String>,
    #[serde(default)]
    creation_timestamp: i64,
}

impl Searched for RegisteredModel {
    const OPERATION: &'static str = "search registered models";
    const TEXTS: &'static [&'static str] = &["name"];
    const INTEGERS: &'static [&'static str] = &[];
    const HAS_METRICS: bool = false;

    fn value(&self, field: &Field) -> Result<Option<Value>, Error> {
        Ok(match field {
            Field::Attribute(_) => Some(Value::Text(self.name.clone())),
            Field::Tag(key) => self.tags.get(key).cloned().map(Value::Text),
            Field::Metric(_) | Field::Param(_) => None,
        })
    }
}
