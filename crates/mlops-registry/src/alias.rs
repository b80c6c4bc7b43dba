//! Aliases: names that point to one version of a registered model.

use std::collections::BTreeMap;
use std::path::Path;

use crate::entries::Entry;
use crate::registered_model::touch;
use crate::{Alias, Error, LocalStore, ModelVersion, entries};

pub(crate) const ALIASES: &str = "aliases";

impl LocalStore {
    /// Has an alias point to a version, wherever it pointed before.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if `alias` is not an [`Alias`]
    /// * [`NotFound`](crate::ErrorKind::NotFound) if the version is not there
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be written
    pub fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), Error> {
        let alias = parse("set the alias", alias)?;
        let _lock = self.lock()?;
        self.model_version(name, version)?;
        let model = self.registered_folder(name)?;
        let version = version.to_string();
        entries::write(&model, Entry { kind: ALIASES, key: alias.as_str(), text: &version })?;
        touch(&model)
    }

    /// Removes an alias; nothing happens if there is none.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if `alias` is not an [`Alias`]
    /// * [`NotFound`](crate::ErrorKind::NotFound) if the model is not registered
    /// * [`Io`](crate::ErrorKind::Io) if it cannot be removed
    pub fn delete_alias(&self, name: &str, alias: &str) -> Result<(), Error> {
        let alias = parse("delete the alias", alias)?;
        let _lock = self.lock()?;
        let model = self.registered_folder(name)?;
        let was_there = entries::remove(&model.join(ALIASES), alias.as_str())?;
        if was_there { touch(&model) } else { Ok(()) }
    }

    /// The version that an alias points to.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if `alias` is not an [`Alias`]
    /// * [`NotFound`](crate::ErrorKind::NotFound) if model, alias or version is not there
    /// * [`Malformed`](crate::ErrorKind::Malformed) if the alias does not hold a number
    pub fn model_version_by_alias(&self, name: &str, alias: &str) -> Result<ModelVersion, Error> {
        let alias = parse("read the alias", alias)?;
        let folder = self.registered_folder(name)?.join(ALIASES);
        let text = entries::read(&folder, alias.as_str())?
            .ok_or_else(|| Error::not_found(format_args!("the alias `{alias}` of `{name}`")))?;
        self.model_version(name, target(&folder, alias.as_str(), &text)?)
    }
}

/// The aliases of a model, and the versions that they point to.
pub(crate) fn read_all(model: &Path) -> Result<BTreeMap<String, u64>, Error> {
    let folder = model.join(ALIASES);
    let mut aliases = BTreeMap::new();
    for (alias, text) in entries::read_all(&folder)? {
        // A temporary file of another program is no alias.
        if alias.parse::<Alias>().is_ok() {
            let version = target(&folder, &alias, &text)?;
            aliases.insert(alias, version);
        }
    }
    Ok(aliases)
}

/// Removes the aliases that point to a version. The caller holds the lock.
pub(crate) fn remove_all_of(model: &Path, version: u64) -> Result<(), Error> {
    let folder = model.join(ALIASES);
    for (alias, text) in entries::read_all(&folder)? {
        if text.trim() == version.to_string() {
            entries::remove(&folder, &alias)?;
        }
    }
    Ok(())
}

fn parse(operation: &'static str, alias: &str) -> Result<Alias, Error> {
    alias.parse().map_err(|error| Error::name(operation, alias, error))
}

fn target(folder: &Path, alias: &str, text: &str) -> Result<u64, Error> {
    text.trim().parse().map_err(|error: std::num::ParseIntError| {
        Error::malformed(&folder.join(alias)).with_source(error)
    })
}
