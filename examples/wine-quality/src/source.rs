use std::path::PathBuf;

use mlops_serve::{Model, ModelSource, ReloadError};

use crate::cli::ServeArgs;
use crate::compat::Compat;
use crate::configuration::Configuration;
use crate::directories::{Directories, Identity};
use crate::error::{Error, chain};
use crate::registry::NamedRegistry;
use crate::screen::note;
use crate::served::ServedModels;

/// A configuration that may name other models than before, or the same ones by an alias that has moved.
#[derive(Debug)]
pub(crate) struct ConfigurationSource {
    config: PathBuf,
    registry: NamedRegistry,
    compat: Option<Compat>,
    drift_window: u32,
    identity: Identity,
    /// What was said last.
    failure: Option<String>,
}

impl ConfigurationSource {
    pub(crate) fn new(args: &ServeArgs) -> Self {
        let registry = NamedRegistry::new(&args.store);
        let source = Self::of(args.config.clone(), registry, args.drift_window);
        Self { compat: args.compat, ..source }
    }

    /// One of models with a monitor of windows of so many rows, or of none.
    pub(crate) fn of(config: PathBuf, registry: NamedRegistry, drift_window: u32) -> Self {
        Self { config, registry, compat: None, drift_window, identity: vec![], failure: None }
    }

    /// The models that the configuration names now, if they are others than the last time.
    pub(crate) fn look(&mut self) -> Result<Option<Model>, Error> {
        let configuration = Configuration::read(&self.config)?;
        let directories = Directories::find(&self.registry, &configuration)?;
        let identity = directories.identity()?;
        if identity == self.identity {
            return Ok(None);
        }
        let models = ServedModels::load(&directories, self.compat)?;
        models.warn();
        // Models that cannot be loaded are tried again the next time.
        self.identity = identity;
        self.failure = None;
        Ok(Some(models.into_model(self.drift_window)))
    }
}

impl ModelSource for ConfigurationSource {
    fn poll(&mut self) -> Result<Option<Model>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.look()?)
    }

    fn failed(&mut self, error: &ReloadError) {
        let failure = chain(error);
        // Once is enough, however often it is tried again.
        if self.failure.as_ref() != Some(&failure) {
            note(format_args!("the models stay: {failure}"));
            self.failure = Some(failure);
        }
    }
}
