use std::path::{Component, Path, PathBuf};

use crate::{ArtifactPath, Error, ErrorKind, LocalStore, ModelUri, RunId, meta};

/// A version may point to a run or to another version, which may point on; more than this is a
/// circle.
pub(crate) const MAX_HOPS: usize = 8;

impl LocalStore {
    /// The file or directory that a URI means.
    ///
    /// A location in the store is recorded as an absolute path. Where it is gone because the store
    /// was moved, the path is looked for below the present root. Paths of the caller are taken as
    /// they are.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if model, version, stage, alias, run or path is not there
    /// * [`Unsupported`](ErrorKind::Unsupported) if the recorded location is not a local one
    /// * [`Malformed`](ErrorKind::Malformed) if the recorded locations lead in a circle
    pub fn resolve(&self, uri: &ModelUri) -> Result<PathBuf, Error> {
        self.follow(uri, MAX_HOPS)
    }

    /// The path of a recorded location, whether or not it is there.
    pub(crate) fn locate(&self, location: &str) -> Result<PathBuf, Error> {
        self.locate_within(location, MAX_HOPS)
    }

    fn follow(&self, uri: &ModelUri, hops: usize) -> Result<PathBuf, Error> {
        let path = match uri {
            ModelUri::Registered { name, version, path } => {
                let version = self.select(name.as_str(), version)?;
                join(self.locate_within(version.location(), hops)?, path.as_ref())
            }
            ModelUri::LoggedModel { id, path } => {
                let model = self.logged_model(id)?;
                join(self.locate_within(&model.artifact_location, hops)?, path.as_ref())
            }
            ModelUri::Run { run_id, path } => self.run_artifact(run_id, path.as_ref(), hops)?,
            ModelUri::Path(path) => path.clone(),
        };
        if path.exists() {
            Ok(path)
        } else {
            Err(Error::new(ErrorKind::NotFound, "resolve", format_args!("`{uri}`")))
        }
    }

    fn locate_within(&self, location: &str, hops: usize) -> Result<PathBuf, Error> {
        let uri = location.parse().map_err(|error| Error::uri("resolve", location, error))?;
        match (uri, hops.checked_sub(1)) {
            (ModelUri::Path(path), _) => Ok(self.relocate(path)),
            (uri, Some(hops)) => self.follow(&uri, hops),
            (uri, None) => {
                Err(Error::new(ErrorKind::Malformed, "resolve", format_args!("`{uri}`")))
            }
        }
    }

    fn run_artifact(
        &self,
        run_id: &RunId,
        path: Option<&ArtifactPath>,
        hops: usize,
    ) -> Result<PathBuf, Error> {
        let run = self.run(run_id)?;
        let artifact = join(run.artifacts()?, path);
        if let Some(path) = path
            && !artifact.exists()
        {
            let (name, rest) = path.split_first();
            if let Some(model) = self.logged_model_of(run.experiment_id(), run_id, name)? {
                let folder = self.locate_within(&model.artifact_location, hops)?;
                return Ok(rest.map_or_else(|| folder.clone(), |rest| folder.join(rest)));
            }
        }
        Ok(artifact)
    }

    /// Finds the rest of a path that is gone below the present root: the part that starts at the
    /// folder of an experiment.
    fn relocate(&self, path: PathBuf) -> PathBuf {
        if path.exists() {
            return path;
        }
        let components: Vec<_> = path.components().collect();
        (0..components.len())
            .map(|start| &components[start..])
            .find(|rest| self.starts_at_experiment(rest))
            .map_or_else(|| path.clone(), |rest| self.root().join(rest.iter().collect::<PathBuf>()))
    }

    fn starts_at_experiment(&self, components: &[Component<'_>]) -> bool {
        let is_plain = components.iter().all(|part| matches!(part, Component::Normal(_)));
        let first = components.first().map(|first| self.root().join(first));
        is_plain && first.is_some_and(|first| meta::is_there(&first))
    }
}

fn join(folder: PathBuf, path: Option<&ArtifactPath>) -> PathBuf {
    match path {
        Some(path) => folder.join(Path::new(path.as_str())),
        None => folder,
    }
}
