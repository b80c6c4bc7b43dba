use std::fs;
use std::path::Path;

use mlops_core::{ModelDir, ModelFile, yaml};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::artifacts::{
    ArtifactRepository, Checksums, DESCRIPTION, Source, Transfer, blocking, join, upload_files,
};
use crate::{Error, LoggedModelId, RunId};

/// What MLflow wants to find in the `MLmodel` of a model that was logged.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) artifact_path: String,
    pub(super) model_id: Option<LoggedModelId>,
    pub(super) model_uuid: String,
    pub(super) run_id: RunId,
}

/// Uploads a model with an `MLmodel` that says who it is and the checksums of its files, and returns what that `MLmodel`
/// says.
pub(super) async fn upload(
    model: &ModelDir,
    identity: &Identity,
    target: &ArtifactRepository,
    path: &str,
    transfer: &Transfer,
) -> Result<Map<String, Value>, Error> {
    let (model, identity, below) = (model.clone(), identity.clone(), path.to_owned());
    let prepared = blocking("prepare the model", move || Prepared::new(&model, &identity, &below));
    // The folder of what was written for it stays until all is sent.
    let prepared = prepared.await?;
    upload_files(target, &prepared.sources, path, transfer).await?;
    Ok(prepared.description)
}

struct Prepared {
    description: Map<String, Value>,
    sources: Vec<Source>,
    _written: tempfile::TempDir,
}

impl Prepared {
    fn new(model: &ModelDir, identity: &Identity, path: &str) -> Result<Self, Error> {
        let root = model.path();
        let unreadable = |error| Error::unreadable_model(root, error);
        let text = model.read(DESCRIPTION).map_err(unreadable)?;
        let text = String::from_utf8_lossy(&text);
        let malformed = |error| Error::malformed(&root.join(DESCRIPTION)).with_source(error);
        let mut description: Map<String, Value> = yaml::from_str(&text).map_err(malformed)?;
        identity.write(&mut description);

        let failed = |error| Error::io("prepare", root, error);
        let written = tempfile::tempdir().map_err(failed)?;
        let text = yaml::to_string(&description).map_err(malformed)?;
        fs::write(written.path().join(DESCRIPTION), text).map_err(failed)?;
        let is_kept = |file: &String| file != DESCRIPTION && file != Checksums::FILE;
        let files = model.files().map_err(unreadable)?.into_iter();
        let kept: Vec<_> = files.map(|ModelFile { path, .. }| path).filter(is_kept).collect();
        let mut checksums = Checksums::of(root, kept.iter().cloned())?;
        checksums.extend(Checksums::of(written.path(), [DESCRIPTION.to_owned()].into_iter())?);
        fs::write(written.path().join(Checksums::FILE), checksums.to_string()).map_err(failed)?;

        let source = |folder: &Path, file: &str| Source::new(folder.join(file), join(path, file));
        let sources = kept.iter().map(|file| source(root, file));
        let new = [Checksums::FILE, DESCRIPTION].into_iter();
        let sources = sources.chain(new.map(|file| source(written.path(), file)));
        Ok(Self { description, sources: sources.collect::<Result<_, _>>()?, _written: written })
    }
}

impl Identity {
    fn write(&self, description: &mut Map<String, Value>) {
        description.insert("artifact_path".to_owned(), json!(self.artifact_path));
        description.insert("model_uuid".to_owned(), json!(self.model_uuid));
        description.insert("run_id".to_owned(), json!(self.run_id.as_str()));
        description.insert("utc_time_created".to_owned(), json!(now()));
        if let Some(id) = &self.model_id {
            description.insert("model_id".to_owned(), json!(id.as_str()));
        }
    }
}

/// The time in UTC, as MLflow writes it.
fn now() -> Option<String> {
    let format =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");
    OffsetDateTime::now_utc().format(format).ok()
}
