use super::MlflowClient;
use super::logged_models::LoggedModel;
use super::runs::Run;
use crate::resolve::MAX_HOPS;
use crate::{
    ArtifactPath, Compare, Error, ErrorKind, Filter, ModelName, ModelUri, ModelVersion, Stage,
    VersionSelector,
};

/// The model that a URI leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedModel {
    /// What leads to the same model whatever happens to stages and aliases: a version by its number, or a logged model. What
    /// is among the artifacts of a run, as the versions of MLflow 2 are, may still be written over.
    pub uri: ModelUri,
    /// The version, for the URI of a registered model.
    pub version: Option<ModelVersion>,
    /// Where its files are; [`MlflowClient::artifacts_of`] opens it.
    pub artifact_uri: String,
    /// The version that has the files there.
    pub(crate) owner: Option<(ModelName, u64)>,
    /// The file or folder there that is meant, if not all of it.
    pub path: Option<ArtifactPath>,
}

impl MlflowClient {
    /// Finds the model that a URI means now.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if model, version, stage, alias or run is not there
    /// * [`Malformed`](ErrorKind::Malformed) if the recorded locations lead in a circle
    /// * [`Unsupported`](ErrorKind::Unsupported) for a path of this machine, which no server knows, for stages where there
    ///   are none, and for logged models before MLflow 3
    pub async fn resolve(&self, uri: &ModelUri) -> Result<ResolvedModel, Error> {
        let mut resolved = self.look_up(uri).await?;
        // A version may be recorded as what a run or another version has.
        for _ in 0..MAX_HOPS {
            let Some(next) = on_the_server(&resolved.artifact_uri) else { return Ok(resolved) };
            let next = self.look_up(&next).await?;
            (resolved.artifact_uri, resolved.owner) = (next.artifact_uri, next.owner);
            resolved.path = match (next.path, resolved.path) {
                (Some(folder), Some(path)) => Some(folder.join(&path)),
                (folder, path) => folder.or(path),
            };
        }
        Err(Error::new(ErrorKind::Malformed, "resolve", format_args!("`{uri}`")))
    }

    async fn look_up(&self, uri: &ModelUri) -> Result<ResolvedModel, Error> {
        match uri {
            ModelUri::Registered { name, version, path } => {
                let version = self.select(name.as_str(), version).await?;
                let number = version.version;
                let selector = VersionSelector::Number(number);
                Ok(ResolvedModel {
                    uri: ModelUri::Registered {
                        name: name.clone(),
                        version: selector,
                        path: path.clone(),
                    },
                    version: Some(version),
                    owner: Some((name.clone(), number)),
                    artifact_uri: self.download_uri(name.as_str(), number).await?,
                    path: path.clone(),
                })
            }
            ModelUri::LoggedModel { id, path } => {
                Ok(of_logged_model(self.logged_model(id).await?, path.clone()))
            }
            ModelUri::Run { run_id, path } => {
                let run = self.run(run_id).await?;
                if let Some(path) = path {
                    let (name, rest) = path.split_first();
                    let rest = rest.map(str::parse).transpose();
                    let rest =
                        rest.map_err(|error| Error::name("resolve", path.as_str(), error))?;
                    if let Some(model) = self.logged_model_of(&run, name).await? {
                        return Ok(of_logged_model(model, rest));
                    }
                }
                Ok(ResolvedModel {
                    uri: uri.clone(),
                    version: None,
                    owner: None,
                    artifact_uri: run.artifact_uri,
                    path: path.clone(),
                })
            }
            ModelUri::Path(_) => {
                let target = format_args!("`{uri}` on the server");
                Err(Error::new(ErrorKind::Unsupported, "resolve", target))
            }
        }
    }

    async fn select(&self, name: &str, selector: &VersionSelector) -> Result<ModelVersion, Error> {
        let stage = match selector {
            VersionSelector::Number(number) => return self.model_version(name, *number).await,
            VersionSelector::Alias(alias) => {
                return self.model_version_by_alias(name, alias.as_str()).await;
            }
            VersionSelector::Latest => None,
            VersionSelector::Stage(stage) => Some(*stage),
        };
        let versions = match self.latest_versions(name).await {
            // Without stages there is no newest in each of them.
            Err(error) if error.is_unsupported() && stage.is_none() => self.versions(name).await?,
            versions => versions?,
        };
        let is_meant = |version: &ModelVersion| stage.is_none_or(|stage| version.stage == stage);
        let newest = versions.into_iter().filter(is_meant).max_by_key(|version| version.version);
        newest.ok_or_else(|| none_in(name, stage))
    }

    /// The newest model that a run logged under a name: MLflow 3 keeps it apart from the run's artifacts.
    async fn logged_model_of(&self, run: &Run, name: &str) -> Result<Option<LoggedModel>, Error> {
        let is = |attribute, value| Filter::attribute(attribute, Compare::Equal, value);
        let Ok(by_name) = is("name", name) else { return Ok(None) };
        let Ok(of_run) = is("source_run_id", run.id.as_str()) else { return Ok(None) };
        let filter = by_name.and(of_run);
        let mut found = self.search_logged_models(&[&run.experiment_id], &filter, &[]);
        match found.next().await {
            Err(error) if error.is_unsupported() => Ok(None),
            page => Ok(page?.and_then(|page| page.into_iter().next())),
        }
    }
}

fn of_logged_model(model: LoggedModel, path: Option<ArtifactPath>) -> ResolvedModel {
    ResolvedModel {
        uri: ModelUri::LoggedModel { id: model.id, path: path.clone() },
        version: None,
        owner: None,
        artifact_uri: model.artifact_uri,
        path,
    }
}

/// A recorded location that is to be looked up itself.
pub(super) fn on_the_server(location: &str) -> Option<ModelUri> {
    location.parse().ok().filter(|uri| !matches!(uri, ModelUri::Path(_)))
}

fn none_in(name: &str, stage: Option<Stage>) -> Error {
    match stage {
        Some(stage) => {
            let target = format_args!("a version of `{name}` in {stage}");
            Error::new(ErrorKind::NotFound, "find", target)
        }
        None => Error::new(ErrorKind::NotFound, "find", format_args!("a version of `{name}`")),
    }
}
