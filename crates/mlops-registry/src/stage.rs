use std::fmt;
use std::str::FromStr;

use crate::model_version::set_stage;
use crate::registered_model::touch;
use crate::{Error, ErrorKind, LocalStore, ModelVersion};

/// The stage of a model version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Not in any stage, as every version starts.
    None,
    /// Being tried.
    Staging,
    /// In use.
    Production,
    /// No longer in use.
    Archived,
}

impl Stage {
    const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    /// The name as MLflow writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    /// Reads the name of a stage, upper or lower case.
    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        let mut stages = Self::ALL.into_iter();
        stages
            .find(|stage| stage.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownStage { stage: text.to_owned() })
    }
}

/// A text that is not the name of a [`Stage`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{stage}` is not a stage, expected None, Staging, Production or Archived")]
#[non_exhaustive]
pub struct UnknownStage {
    /// The text.
    pub stage: String,
}

impl LocalStore {
    /// Moves a version to a stage; with `archive`, those that are there become `Archived`.
    ///
    /// The version moves first, so that a crash never leaves the stage empty.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such version
    /// * [`NotArchivable`](ErrorKind::NotArchivable) if `archive` and the stage is neither `Staging` nor `Production`
    /// * [`Io`](ErrorKind::Io) if it cannot be written
    pub fn transition_stage(
        &self,
        name: &str,
        version: u64,
        stage: Stage,
        archive: bool,
    ) -> Result<ModelVersion, Error> {
        if archive && !matches!(stage, Stage::Staging | Stage::Production) {
            let target = format_args!("the versions of `{name}` in {stage}");
            return Err(Error::new(ErrorKind::NotArchivable, "archive", target));
        }
        let _lock = self.lock()?;
        set_stage(&self.present_version(name, version)?, stage.as_str())?;
        if archive {
            for other in self.versions(name)? {
                if other.version != version && other.stage == stage {
                    let other = self.present_version(name, other.version)?;
                    set_stage(&other, Stage::Archived.as_str())?;
                }
            }
        }
        touch(&self.registered_folder(name)?)?;
        self.model_version(name, version)
    }

    /// The newest version, in `stage` if one is given.
    ///
    /// # Errors
    /// As [`LocalStore::versions`], and [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn latest(&self, name: &str, stage: Option<Stage>) -> Result<ModelVersion, Error> {
        let is_meant = |version: &ModelVersion| stage.is_none_or(|stage| version.stage == stage);
        self.versions(name)?.into_iter().rfind(is_meant).ok_or_else(|| match stage {
            Some(stage) => Error::not_found(format_args!("a version of `{name}` in {stage}")),
            None => Error::not_found(format_args!("a version of `{name}`")),
        })
    }

    /// The newest version in each stage that has one.
    ///
    /// # Errors
    /// As [`LocalStore::versions`].
    pub fn latest_versions(&self, name: &str) -> Result<Vec<ModelVersion>, Error> {
        let mut latest: Vec<ModelVersion> = Vec::new();
        for version in self.versions(name)?.into_iter().rev() {
            if latest.iter().all(|newer| newer.stage != version.stage) {
                latest.push(version);
            }
        }
        Ok(latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_written_as_mlflow_does() {
        for stage in Stage::ALL {
            assert_eq!(stage.to_string().parse(), Ok(stage));
            assert_eq!(stage.to_string().to_lowercase().parse(), Ok(stage));
        }
        "Deleted_Internal".parse::<Stage>().unwrap_err();
    }
}
