use super::{Backend, TrackedModel, Tracking};
#[cfg(feature = "client")]
use crate::client::NewModelVersion;
use crate::{Error, ModelVersion};

/// Calls the same method of the store or client.
macro_rules! on_either {
    ($tracking:expr, $method:ident($($argument:expr),*)) => {
        match &$tracking.backend {
            Backend::Local(store) => store.$method($($argument),*),
            #[cfg(feature = "client")]
            Backend::Server(client) => client.$method($($argument),*),
        }
    };
}

/// What was done.
#[derive(Default)]
struct Done {
    versions: Vec<ModelVersion>,
    /// The name of the model of which there may be a version more: nobody knows what came of it.
    unanswered: Option<String>,
    /// Which versions the alias points to where it points to the first of the new ones, or was to.
    replaced: Vec<Option<u64>>,
}

impl Tracking {
    /// The version of a registered model that an alias points to; `None` if there is no such model or alias.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if name or alias is none
    /// * what goes wrong with store or server
    pub fn model_version_by_alias(
        &self,
        name: &str,
        alias: &str,
    ) -> Result<Option<ModelVersion>, Error> {
        match on_either!(self, model_version_by_alias(name, alias)) {
            Ok(version) => Ok(Some(version)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes logged models the next versions of registered models, given with their names, and has an alias of each point to
    /// them: all or none. A name that is not registered is, and stays so.
    ///
    /// # Errors
    /// * [`InvalidName`](crate::ErrorKind::InvalidName) if a name or the alias is none
    /// * what goes wrong with store or server; the versions that were made are removed and the aliases put back, and if that
    ///   fails too, the error says what is left
    ///
    /// # Examples
    /// ```
    /// # use mlops_core::{ModelDirWriter, ModelError, SaveModel};
    /// # struct Constant;
    /// # impl SaveModel for Constant {
    /// #     fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
    /// #         dir.file("constant", b"1")
    /// #     }
    /// # }
    /// # let (model, folder) = (Constant, tempfile::tempdir()?);
    /// use mlops_registry::{LocalStore, Tracking};
    ///
    /// let tracking = Tracking::local(LocalStore::open(folder.path().join("mlruns"))?);
    /// let run = tracking.start_run(&tracking.experiment("wine quality")?, "train", None)?;
    /// let logged = run.log_model("model", &model)?;
    /// let versions = tracking.register_all(&[("wine_quality", &logged)], "challenger")?;
    /// assert_eq!(versions[0].version, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn register_all(
        &self,
        models: &[(&str, &TrackedModel)],
        alias: &str,
    ) -> Result<Vec<ModelVersion>, Error> {
        let mut done = Done::default();
        match self.try_register_all(models, alias, &mut done) {
            Ok(()) => Ok(done.versions),
            Err(error) => Err(self.take_back(&done, alias, error)),
        }
    }

    fn try_register_all(
        &self,
        models: &[(&str, &TrackedModel)],
        alias: &str,
        done: &mut Done,
    ) -> Result<(), Error> {
        for (name, model) in models {
            on_either!(self, register(name))?;
            self.create_version(name, model, done)?;
        }
        for ModelVersion { name, version, .. } in &done.versions {
            let before = self.model_version_by_alias(name, alias)?;
            // Noted before: the alias may be set although no answer comes.
            done.replaced.push(before.map(|before| before.version));
            on_either!(self, set_alias(name, alias, *version))?;
        }
        Ok(())
    }

    fn create_version(
        &self,
        name: &str,
        model: &TrackedModel,
        done: &mut Done,
    ) -> Result<(), Error> {
        let version = match &self.backend {
            Backend::Local(store) => store.create_model_version(name, &model.uri),
            #[cfg(feature = "client")]
            Backend::Server(client) => {
                let created = client.create_model_version(name, new_version(model));
                let is_lost = created.as_ref().is_err_and(Error::is_ambiguous);
                done.unanswered = is_lost.then(|| name.to_owned());
                created
            }
        };
        done.versions.push(version?);
        Ok(())
    }

    /// Undoes what was done, each step whatever becomes of the others, and returns what to report.
    fn take_back(&self, done: &Done, alias: &str, error: Error) -> Error {
        let (mut left, mut reason) = (Vec::new(), None);
        for (at, ModelVersion { name, version, .. }) in done.versions.iter().enumerate().rev() {
            let aliased = match done.replaced.get(at) {
                Some(Some(before)) => on_either!(self, set_alias(name, alias, *before)),
                Some(None) => on_either!(self, delete_alias(name, alias)),
                None => Ok(()),
            };
            let removed = on_either!(self, delete_model_version(name, *version));
            let (alias, version) =
                (format!("the alias of `{name}`"), format!("`{name}/{version}`"));
            for (what, outcome) in [(alias, aliased), (version, removed)] {
                if let Err(failure) = outcome {
                    left.push(what);
                    reason.get_or_insert(failure);
                }
            }
        }
        let unanswered = done.unanswered.iter();
        left.extend(unanswered.map(|name| format!("a version of `{name}` if there is one")));
        if left.is_empty() {
            return error;
        }
        let target = format!("{}, as not all models were registered ({error})", left.join(" and "));
        let reason = reason.unwrap_or(error);
        Error::new(reason.kind(), "take back", target).with_source(reason)
    }
}

#[cfg(feature = "client")]
fn new_version(model: &TrackedModel) -> NewModelVersion {
    let version = match (&model.uri, &model.artifact_uri) {
        (crate::ModelUri::LoggedModel { id, .. }, _) => {
            NewModelVersion::of_logged_model(id.clone())
        }
        (uri, None) => NewModelVersion::new(uri.to_string()),
        (_, Some(artifact_uri)) => NewModelVersion::new(artifact_uri),
    };
    version.run_id(model.run_id.clone())
}
