use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::local::MODELS;
use crate::{
    Alias, Error, ErrorKind, LocalStore, ModelName, ModelUri, Stage, VersionSelector, entries,
    file_uri, meta,
};

const ALIASES: &str = "aliases";
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
    /// The URI that was registered.
    pub source: String,
    /// The URI of the model's directory, if it is not the source.
    pub storage_location: Option<String>,
    /// The run that logged the model, if it is known.
    pub run_id: Option<String>,
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
        self.create_folder(&folder, |folder| meta::write(folder, &content))
    }

    /// Makes the model at `source` the next version of the registered model `name`, and returns the
    /// version's number.
    ///
    /// The files stay where they are. Programs that do this at once get different numbers.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered or `source` is not there
    /// * [`Io`](ErrorKind::Io) if the version cannot be written
    pub fn create_version(&self, name: &str, source: &ModelUri) -> Result<u64, Error> {
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
            content["model_id"] = Value::from(id);
        }
        self.create_folder(&version_folder(&folder, version), |folder| {
            meta::write(folder, &content)
        })?;
        touch(&folder)?;
        Ok(version)
    }

    /// Moves a version to a stage; with `archive_existing`, the other versions in that stage are
    /// archived.
    ///
    /// The version moves first, so that a crash never leaves the stage empty.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if the version is not there
    /// * [`NotArchivable`](ErrorKind::NotArchivable) if versions are to be archived from a stage
    ///   other than `Staging` or `Production`
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn set_stage(
        &self,
        name: &str,
        version: u64,
        stage: Stage,
        archive_existing: bool,
    ) -> Result<(), Error> {
        if archive_existing && !matches!(stage, Stage::Staging | Stage::Production) {
            let target = format_args!("the versions of `{name}` in {stage}");
            return Err(Error::new(ErrorKind::NotArchivable, "archive", target));
        }
        let _lock = self.lock()?;
        self.version(name, version)?;
        let folder = self.registered_folder(name)?;
        move_to_stage(&version_folder(&folder, version), stage)?;
        if archive_existing {
            for other in self.versions(name)? {
                if other.version != version && other.stage == stage {
                    move_to_stage(&version_folder(&folder, other.version), Stage::Archived)?;
                }
            }
        }
        touch(&folder)
    }

    /// Lets an alias point to a version, whether or not it pointed to another one.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if `alias` is not an [`Alias`]
    /// * [`NotFound`](ErrorKind::NotFound) if the version is not there
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), Error> {
        let alias: Alias =
            alias.parse().map_err(|error| Error::name("set the alias", alias, error))?;
        let _lock = self.lock()?;
        self.version(name, version)?;
        let folder = self.registered_folder(name)?;
        let text = version.to_string();
        entries::write(&folder, &folder.join(ALIASES), alias.as_str(), &text)?;
        touch(&folder)
    }

    /// A version by its number.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if model or version is not there, or was deleted
    /// * [`Malformed`](ErrorKind::Malformed) if its `meta.yaml` is not that of a version
    pub fn version(&self, name: &str, version: u64) -> Result<ModelVersion, Error> {
        let folder = version_folder(&self.registered_folder(name)?, version);
        let found = if meta::is_there(&folder) { read_version(&folder)? } else { None };
        found.ok_or_else(|| not_found(format_args!("version {version} of `{name}`")))
    }

    /// All versions that were not deleted, by number.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if the model is not registered
    /// * [`Malformed`](ErrorKind::Malformed) if a `meta.yaml` is not that of a version
    pub fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        let folder = self.registered_folder(name)?;
        let mut versions = Vec::new();
        for number in version_numbers(&folder)? {
            let folder = version_folder(&folder, number);
            if meta::is_there(&folder) {
                versions.extend(read_version(&folder)?);
            }
        }
        versions.sort_by_key(|version| version.version);
        Ok(versions)
    }

    /// The newest version, in `stage` if one is given.
    ///
    /// # Errors
    /// As [`LocalStore::versions`], and [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn latest(&self, name: &str, stage: Option<Stage>) -> Result<ModelVersion, Error> {
        let is_meant = |version: &ModelVersion| stage.is_none_or(|stage| version.stage == stage);
        self.versions(name)?.into_iter().rfind(is_meant).ok_or_else(|| match stage {
            Some(stage) => not_found(format_args!("a version of `{name}` in {stage}")),
            None => not_found(format_args!("a version of `{name}`")),
        })
    }

    /// The version that an alias points to.
    ///
    /// # Errors
    /// * [`InvalidName`](ErrorKind::InvalidName) if `alias` is not an [`Alias`]
    /// * [`NotFound`](ErrorKind::NotFound) if model, alias or version is not there
    /// * [`Malformed`](ErrorKind::Malformed) if the alias does not hold a number
    pub fn alias(&self, name: &str, alias: &str) -> Result<ModelVersion, Error> {
        let alias: Alias =
            alias.parse().map_err(|error| Error::name("read the alias", alias, error))?;
        let folder = self.registered_folder(name)?.join(ALIASES);
        let text = entries::read(&folder, alias.as_str())?
            .ok_or_else(|| not_found(format_args!("the alias `{alias}` of `{name}`")))?;
        let version = text.trim().parse().map_err(|error: std::num::ParseIntError| {
            Error::malformed(&folder.join(alias.as_str())).with_source(error)
        })?;
        self.version(name, version)
    }

    /// The version that a URI of a registered model means now; `None` for a URI of another kind.
    ///
    /// # Errors
    /// As [`LocalStore::version`], [`LocalStore::latest`] and [`LocalStore::alias`].
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
            VersionSelector::Number(number) => self.version(name, *number),
            VersionSelector::Latest => self.latest(name, None),
            VersionSelector::Stage(stage) => self.latest(name, Some(*stage)),
            VersionSelector::Alias(alias) => self.alias(name, alias.as_str()),
        }
    }

    fn model_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let name: ModelName =
            name.parse().map_err(|error| Error::name("find the registered model", name, error))?;
        Ok(self.root().join(MODELS).join(name.as_str()))
    }

    fn registered_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.model_folder(name)?;
        if meta::is_there(&folder) {
            return Ok(folder);
        }
        Err(not_found(format_args!("the registered model `{name}`")))
    }
}

fn not_found(target: std::fmt::Arguments<'_>) -> Error {
    Error::new(ErrorKind::NotFound, "find", target)
}

fn version_folder(model: &Path, version: u64) -> PathBuf {
    model.join(format!("{VERSION_PREFIX}{version}"))
}

/// The numbers that were ever given, also to versions that were deleted since.
fn version_numbers(model: &Path) -> Result<Vec<u64>, Error> {
    let number = |name: String| name.strip_prefix(VERSION_PREFIX)?.parse().ok();
    Ok(entries::names(model)?.into_iter().filter_map(number).collect())
}

fn read_version(folder: &Path) -> Result<Option<ModelVersion>, Error> {
    let meta: VersionMeta = meta::read(folder)?;
    if meta.current_stage == DELETED_STAGE {
        return Ok(None);
    }
    let mut aliases = entries::read_all(&folder.with_file_name(ALIASES))?;
    aliases.retain(|_, version| version.trim().parse() == Ok(meta.version));
    let stage = meta
        .current_stage
        .parse()
        .map_err(|error: crate::UnknownStage| Error::malformed(folder).with_source(error))?;
    Ok(Some(ModelVersion {
        name: meta.name,
        version: meta.version,
        stage,
        source: meta.source,
        storage_location: meta.storage_location,
        run_id: meta.run_id,
        creation_timestamp: meta.creation_timestamp,
        aliases: aliases.into_keys().collect(),
    }))
}

fn move_to_stage(version: &Path, stage: Stage) -> Result<(), Error> {
    meta::update(version, |meta| {
        meta.insert("current_stage".to_owned(), json!(stage.as_str()));
        meta.insert("last_updated_timestamp".to_owned(), json!(meta::now()));
    })
}

/// Records that a registered model changed.
fn touch(model: &Path) -> Result<(), Error> {
    let aliases = entries::read_all(&model.join(ALIASES))?;
    meta::update(model, |meta| {
        // MLflow reads the files, and repeats them here.
        meta.insert("aliases".to_owned(), json!(aliases));
        meta.insert("last_updated_timestamp".to_owned(), json!(meta::now()));
    })
}

#[derive(Deserialize)]
struct VersionMeta {
    name: String,
    version: u64,
    current_stage: String,
    source: String,
    storage_location: Option<String>,
    run_id: Option<String>,
    #[serde(default)]
    creation_timestamp: i64,
}
