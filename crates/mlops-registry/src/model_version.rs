use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::alias::ALIASES;
use crate::entries::{Entry, TAGS};
use crate::field::Field;
use crate::name::check_key;
use crate::registered_model::touch;
use crate::search::{self, Searched, Value};
use crate::{
    Error, Filter, LocalStore, ModelUri, Stage, UnknownStage, VersionSelector, alias, entries,
    file_uri, meta,
};

const VERSION_PREFIX: &str = "version-";
/// The stage that MLflow writes where a version was deleted: its number is never given again.
const DELETED_STAGE: &str = "Deleted_Internal";

/// One version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelVersion {
    /// The name of the registered model.
    pub name: String,
    /// The number, counted from 1.
    pub version: u64,
    /// The stage.
    pub stage: Stage,
    /// What is to be said about the version.
    pub description: String,
    /// The URI that was registered.
    pub source: String,
    /// The URI of the model's directory, if it is not the source.
    pub storage_location: Option<String>,
    /// The run that logged the model, if it is known.
    pub run_id: Option<String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// When it was registered, in milliseconds since 1970 in UTC.
    pub creation_timestamp: i64,
    /// The aliases that point to it, sorted. Servers leave them out of searches.
    pub aliases: Vec<String>,
}

impl ModelVersion {
    pub(crate) fn location(&self) -> &str {
        self.storage_location.as_deref().unwrap_or(&self.source)
    }
}

impl LocalStore {
    /// Makes the model at `source` the next version of the registered model `name`.
    ///
    /// The files stay where they are. Programs that do this at once get different numbers.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if the model is not registered or `source` is not there
    /// * [`Io`](crate::ErrorKind::Io) if the version cannot be written
    pub fn create_model_version(
        &self,
        name: &str,
        source: &ModelUri,
    ) -> Result<ModelVersion, Error> {
        let folder = self.registered_folder(name)?;
        let storage = self.resolve(source)?;
        let storage = fs::canonicalize(&storage)
            .map_err(|error| Error::io("create a version from", &storage, error))?;
        let location = file_uri::encode(&storage);
        let (source, run_id, model_id) = match source {
            ModelUri::LoggedModel { id, path: None } => {
                let run_id = self.logged_model(id)?.source_run_id;
                (source.to_string(), run_id, Some(id.to_string()))
            }
            ModelUri::Run { run_id, .. } => (location.clone(), Some(run_id.to_string()), None),
            _ => (location.clone(), None, None),
        };

        let _lock = self.lock()?;
        let version = version_numbers(&folder)?.into_iter().max().map_or(1, |newest| newest + 1);
        let now = meta::now();
        let mut content = json!({
            "creation_timestamp": now,
            "current_stage": Stage::None.as_str(),
            "description": null,
            "last_updated_timestamp": now,
            "name": name,
            "run_id": run_id,
            "run_link": null,
            "source": source,
            "status": "READY",
            "status_message": null,
            "storage_location": location,
            "user_id": null,
            "version": version,
        });
        if let Some(id) = model_id {
            content["model_id"] = Json::from(id);
        }
        self.create_folder(&version_folder(&folder, version), |folder| {
            meta::fill(folder, &content)
        })?;
        touch(&folder)?;
        self.model_version(name, version)
    }

    /// A version by its number.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if model or version is not there, or was deleted
    /// * [`Malformed`](crate::ErrorKind::Malformed) if its `meta.yaml` is not that of a version
    pub fn model_version(&self, name: &str, version: u64) -> Result<ModelVersion, Error> {
        let folder = version_folder(&self.registered_folder(name)?, version);
        let found = if meta::is_there(&folder) { read(&folder)? } else { None };
        let found =
            found.ok_or_else(|| Error::not_found(format_args!("version {version} of `{name}`")))?;
        Ok(found.version)
    }

    /// All versions that were not deleted, by number.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if the model is not registered
    /// * [`Malformed`](crate::ErrorKind::Malformed) if a `meta.yaml` is not that of a version
    pub fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        let versions = read_all(&self.registered_folder(name)?)?;
        Ok(versions.into_iter().map(|found| found.version).collect())
    }

    /// The versions of registered models for which a filter of `name`, `run_id`, `source_path`, `version_number` and tags
    /// holds, the last changed first.
    ///
    /// # Errors
    /// * [`Refused`](crate::ErrorKind::Refused) if the filter asks for what versions do not have
    /// * [`Malformed`](crate::ErrorKind::Malformed) if a file is not that of a version
    pub fn search_model_versions(&self, filter: &Filter) -> Result<Vec<ModelVersion>, Error> {
        let mut versions = Vec::new();
        for folder in self.registered_folders()? {
            // The last number first, so that ties are in MLflow's order.
            versions.extend(read_all(&folder)?.into_iter().rev());
        }
        let mut found = search::select(versions, filter)?;
        found.sort_by_key(|found| std::cmp::Reverse(found.last_updated_timestamp));
        Ok(found.into_iter().map(|found| found.version).collect())
    }

    /// Says something about a version.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if there is no such version
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be written
    pub fn update_model_version(
        &self,
        name: &str,
        version: u64,
        description: &str,
    ) -> Result<ModelVersion, Error> {
        let _lock = self.lock()?;
        meta::describe(&self.present_version(name, version)?, description)?;
        self.model_version(name, version)
    }

    /// Deletes a version and the aliases that point to it; its number is not given again. The files of the model stay
    /// where they are.
    ///
    /// # Errors
    /// * [`NotFound`](crate::ErrorKind::NotFound) if there is no such version
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be written
    pub fn delete_model_version(&self, name: &str, version: u64) -> Result<(), Error> {
        let _lock = self.lock()?;
        let folder = self.present_version(name, version)?;
        let model = self.registered_folder(name)?;
        // First, so that no crash leaves an alias that points to nothing.
        alias::remove_all_of(&model, version)?;
        set_stage(&folder, DELETED_STAGE)?;
        touch(&model)
    }

    /// Sets a tag of a version, replacing the old value.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`NotFound`](crate::ErrorKind::NotFound) if there is no such version
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be written
    pub fn set_model_version_tag(
        &self,
        name: &str,
        version: u64,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name("set the tag", key, error))?;
        let _lock = self.lock()?;
        let folder = self.present_version(name, version)?;
        entries::write(&folder, Entry { kind: TAGS, key, text: value })?;
        touch(&self.registered_folder(name)?)
    }

    /// Removes a tag of a version; nothing happens if there is none.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if MLflow would refuse the key
    /// * [`NotFound`](crate::ErrorKind::NotFound) if there is no such version
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be removed
    pub fn delete_model_version_tag(
        &self,
        name: &str,
        version: u64,
        key: &str,
    ) -> Result<(), Error> {
        check_key(key, "key").map_err(|error| Error::name("delete the tag", key, error))?;
        let _lock = self.lock()?;
        let folder = self.present_version(name, version)?;
        let was_there = entries::remove(&folder.join(TAGS), key)?;
        if was_there { touch(&self.registered_folder(name)?) } else { Ok(()) }
    }

    /// The version that a URI of a registered model means now; `None` for a URI of another kind.
    ///
    /// # Errors
    /// As [`LocalStore::model_version`], [`LocalStore::latest`] and [`LocalStore::model_version_by_alias`].
    pub fn version_of(&self, uri: &ModelUri) -> Result<Option<ModelVersion>, Error> {
        match uri {
            ModelUri::Registered { name, version, .. } => {
                self.select(name.as_str(), version).map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(crate) fn select(
        &self,
        name: &str,
        version: &VersionSelector,
    ) -> Result<ModelVersion, Error> {
        match version {
            VersionSelector::Number(number) => self.model_version(name, *number),
            VersionSelector::Latest => self.latest(name, None),
            VersionSelector::Stage(stage) => self.latest(name, Some(*stage)),
            VersionSelector::Alias(alias) => self.model_version_by_alias(name, alias.as_str()),
        }
    }

    /// The folder of a version that is there and was not deleted.
    pub(crate) fn present_version(&self, name: &str, version: u64) -> Result<PathBuf, Error> {
        self.model_version(name, version)?;
        Ok(version_folder(&self.registered_folder(name)?, version))
    }
}

/// The folders of the versions of a model that are there, also of those that were deleted.
pub(crate) fn folders(model: &Path) -> Result<Vec<PathBuf>, Error> {
    let folders = version_numbers(model)?.into_iter().map(|number| version_folder(model, number));
    Ok(folders.filter(|folder| meta::is_there(folder)).collect())
}

pub(crate) fn set_stage(version: &Path, stage: &str) -> Result<(), Error> {
    meta::update(version, |meta| {
        meta.insert("current_stage".to_owned(), json!(stage));
        meta.insert(meta::UPDATED.to_owned(), json!(meta::now()));
    })
}

fn version_folder(model: &Path, version: u64) -> PathBuf {
    model.join(format!("{VERSION_PREFIX}{version}"))
}

/// The numbers that were ever given, also to versions that were deleted since.
fn version_numbers(model: &Path) -> Result<Vec<u64>, Error> {
    let number = |name: String| name.strip_prefix(VERSION_PREFIX)?.parse().ok();
    Ok(entries::names(model)?.into_iter().filter_map(number).collect())
}

/// A version, and when it was last changed.
struct Found {
    version: ModelVersion,
    last_updated_timestamp: i64,
}

/// The versions of a model that were not deleted, by number.
fn read_all(model: &Path) -> Result<Vec<Found>, Error> {
    let mut versions = Vec::new();
    for folder in folders(model)? {
        versions.extend(read(&folder)?);
    }
    versions.sort_by_key(|found| found.version.version);
    Ok(versions)
}

fn read(folder: &Path) -> Result<Option<Found>, Error> {
    let meta: VersionMeta = meta::read(folder)?;
    if meta.current_stage == DELETED_STAGE {
        return Ok(None);
    }
    let stage = meta
        .current_stage
        .parse()
        .map_err(|error: UnknownStage| Error::malformed(folder).with_source(error))?;
    let mut aliases = entries::read_all(&folder.with_file_name(ALIASES))?;
    aliases.retain(|_, version| version.trim().parse() == Ok(meta.version));
    let version = ModelVersion {
        name: meta.name,
        version: meta.version,
        stage,
        description: meta.description.unwrap_or_default(),
        source: meta.source,
        storage_location: meta.storage_location,
        run_id: meta.run_id,
        tags: entries::read_all(&folder.join(TAGS))?,
        creation_timestamp: meta.creation_timestamp,
        aliases: aliases.into_keys().collect(),
    };
    Ok(Some(Found { version, last_updated_timestamp: meta.last_updated_timestamp }))
}

#[derive(Deserialize)]
struct VersionMeta {
    name: String,
    version: u64,
    current_stage: String,
    description: Option<String>,
    source: String,
    storage_location: Option<String>,
    run_id: Option<String>,
    #[serde(default)]
    creation_timestamp: i64,
    #[serde(default)]
    last_updated_timestamp: i64,
}

impl Searched for Found {
    const OPERATION: &'static str = "search model versions";
    const TEXTS: &'static [&'static str] = &["name", "run_id", "source_path"];
    const INTEGERS: &'static [&'static str] = &["version_number"];
    const HAS_METRICS: bool = false;

    fn value(&self, field: &Field) -> Result<Option<Value>, Error> {
        let Self { version, .. } = self;
        Ok(match field {
            Field::Attribute(name) => match name.as_str() {
                "name" => Some(Value::Text(version.name.clone())),
                "run_id" => version.run_id.clone().map(Value::Text),
                "source_path" => Some(Value::Text(version.source.clone())),
                _ => i64::try_from(version.version).ok().map(Value::Integer),
            },
            Field::Tag(key) => version.tags.get(key).cloned().map(Value::Text),
            Field::Metric(_) | Field::Param(_) => None,
        })
    }
}
