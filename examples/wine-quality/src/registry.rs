//! The registry that the arguments and the environment name.

use std::sync::OnceLock;

use mlops_registry::{LocalStore, Registry, env};

use crate::cli::StoreArgs;
use crate::error::Error;

/// A registry that is opened when it is first asked for.
#[derive(Debug)]
pub(crate) struct NamedRegistry {
    args: StoreArgs,
    opened: OnceLock<Registry>,
}

impl NamedRegistry {
    pub(crate) fn new(args: &StoreArgs) -> Self {
        Self { args: args.clone(), opened: OnceLock::new() }
    }

    /// The store of the arguments, else the store or server of the environment. A store that is not there is not made.
    pub(crate) fn get(&self) -> Result<&Registry, Error> {
        if let Some(registry) = self.opened.get() {
            return Ok(registry);
        }
        let registry = match &self.args.store {
            Some(root) => Registry::local(LocalStore::open_existing(root)?),
            None => env::registry().map_err(Error::of_environment)?,
        };
        Ok(self.opened.get_or_init(|| registry))
    }
}

/// One that is open.
impl From<Registry> for NamedRegistry {
    fn from(registry: Registry) -> Self {
        Self { args: StoreArgs { store: None }, opened: registry.into() }
    }
}
