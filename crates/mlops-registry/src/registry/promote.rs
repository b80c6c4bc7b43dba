use serde::Serialize;

use super::Registry;
use crate::{Error, ErrorKind, ModelUri, ModelVersion, Stage, env, meta};

/// What putting a version to use changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promotion {
    /// The registered model.
    pub name: String,
    /// The version that is put to use.
    pub version: u64,
    /// The stage that it is moved to.
    pub stage: Stage,
    /// The stage that it was in; `None` where there are no stages, as in Unity Catalog.
    pub from: Option<Stage>,
    /// The versions that were in the stage, and are archived.
    pub archived: Vec<u64>,
    /// The alias that points to it: `staging` or `production`.
    pub alias: String,
    /// The version that the alias pointed to.
    pub replaced: Option<u64>,
    /// What the tag said before.
    history: Option<String>,
}

/// The tag of a version that says through which stages it went.
const HISTORY: &str = "mlops.stage_history";
const PROMOTE: &str = "promote";

/// An entry of the history.
#[derive(Serialize)]
struct Move {
    stage: String,
    from: Option<String>,
    /// In milliseconds since 1970 in UTC.
    at: i64,
    by: String,
}

impl Registry {
    /// What [`promote`](Self::promote) would change; nothing is changed.
    ///
    /// # Errors
    /// * [`NotFound`](ErrorKind::NotFound) if there is no such version
    /// * [`Unsupported`](ErrorKind::Unsupported) if the URI is not one of a registered model
    /// * [`NotArchivable`](ErrorKind::NotArchivable) if the stage is neither `Staging` nor `Production`
    pub fn plan_promotion(&self, uri: &ModelUri, stage: Stage) -> Result<Promotion, Error> {
        let alias = match stage {
            Stage::Staging => "staging",
            Stage::Production => "production",
            Stage::None | Stage::Archived => {
                return Err(Error::new(ErrorKind::NotArchivable, PROMOTE, format_args!("`{uri}`")));
            }
        };
        let version = self.backend.version_of(uri)?;
        let Some(version) = version else {
            return Err(Error::new(ErrorKind::Unsupported, PROMOTE, format_args!("`{uri}`")));
        };
        let ModelVersion { name, version, stage: from, mut tags, .. } = version;
        let has_stages = self.backend.has_stages(&name)?;
        let archived = if has_stages { self.in_stage(&name, stage, version)? } else { Vec::new() };
        Ok(Promotion {
            replaced: self.backend.alias(&name, alias)?,
            alias: alias.to_owned(),
            from: has_stages.then_some(from),
            history: tags.remove(HISTORY),
            name,
            version,
            stage,
            archived,
        })
    }

    /// Puts a version of a registered model to use: moves it to a stage, archives those that are there, and has the alias
    /// of the stage (`staging`, `production`) point to it. Where there are no stages, the alias alone says so. Its tag
    /// `mlops.stage_history` gets a line with when and by whom. Afterwards it is read back.
    ///
    /// # Errors
    /// * those of [`plan_promotion`](Self::plan_promotion), before anything is changed
    /// * what goes wrong with store or server; what was changed is put back, and if that fails too, the error says so
    pub fn promote(&self, uri: &ModelUri, stage: Stage) -> Result<Promotion, Error> {
        let mut promotions = self.promote_all(std::slice::from_ref(uri), stage)?;
        let target = format_args!("`{uri}`");
        promotions.pop().ok_or_else(|| Error::new(ErrorKind::NotFound, PROMOTE, target))
    }

    /// Puts several versions to use, as [`promote`](Self::promote) does, all or none.
    ///
    /// # Errors
    /// Those of [`promote`](Self::promote).
    pub fn promote_all(&self, uris: &[ModelUri], stage: Stage) -> Result<Vec<Promotion>, Error> {
        let plans = uris.iter().map(|uri| self.plan_promotion(uri, stage));
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        for (at, plan) in plans.iter().enumerate() {
            if let Err(error) = self.apply(plan) {
                // What failed may have been done in part.
                for plan in plans[..=at].iter().rev() {
                    if let Err(stays) = self.put_back(plan) {
                        let target = format_args!("`{}`, after a failure ({error})", plan.name);
                        return Err(Error::new(stays.kind(), "put back", target).with_source(stays));
                    }
                }
                return Err(error);
            }
        }
        Ok(plans)
    }

    fn in_stage(&self, name: &str, stage: Stage, except: u64) -> Result<Vec<u64>, Error> {
        let versions = self.backend.versions(name)?.into_iter();
        let others = versions.filter(|it| it.stage == stage && it.version != except);
        let mut others: Vec<_> = others.map(|it| it.version).collect();
        others.sort_unstable();
        Ok(others)
    }

    fn apply(&self, plan: &Promotion) -> Result<(), Error> {
        let Promotion { name, version, stage, from, alias, .. } = plan;
        if from.is_some() {
            self.backend.transition_stage(name, *version, *stage, true)?;
        }
        self.backend.set_alias(name, alias, Some(*version))?;
        self.backend.set_tag(name, *version, HISTORY, Some(&plan.extended_history()))?;
        self.verify(plan)
    }

    fn verify(&self, plan: &Promotion) -> Result<(), Error> {
        let Promotion { name, version, stage, from, alias, .. } = plan;
        let is_in_stage = from.is_none() || self.backend.version(name, *version)?.stage == *stage;
        if is_in_stage && self.backend.alias(name, alias)? == Some(*version) {
            return Ok(());
        }
        let target = format_args!("`{name}/{version}`: it is not in {stage} afterwards");
        Err(Error::new(ErrorKind::Refused, PROMOTE, target))
    }

    fn put_back(&self, plan: &Promotion) -> Result<(), Error> {
        let Promotion { name, version, stage, from, archived, alias, replaced, history } = plan;
        if let Some(from) = from {
            self.backend.transition_stage(name, *version, *from, false)?;
            for version in archived {
                self.backend.transition_stage(name, *version, *stage, false)?;
            }
        }
        self.backend.set_alias(name, alias, *replaced)?;
        match self.backend.set_tag(name, *version, HISTORY, history.as_deref()) {
            // It was not set yet.
            Err(error) if error.is_not_found() && history.is_none() => Ok(()),
            outcome => outcome,
        }
    }
}

impl Promotion {
    /// One line of JSON for each move.
    fn extended_history(&self) -> String {
        let entry = Move {
            stage: self.stage.to_string(),
            from: self.from.map(|from| from.to_string()),
            at: meta::now(),
            by: env::user(),
        };
        // Texts and a number always have a form in JSON.
        let line = serde_json::to_string(&entry).unwrap_or_default();
        let before = self.history.as_deref().unwrap_or_default();
        let lines: Vec<_> = before.lines().chain([line.as_str()]).collect();
        lines[lines.len().saturating_sub(MAX_MOVES)..].join("\n")
    }
}

/// The tag stays far below what MLflow takes for one.
const MAX_MOVES: usize = 100;
