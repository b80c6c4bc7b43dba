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
    /// What it is to say.
    new_history: String,
}

/// The tag of a version that says through which stages it went.
const HISTORY: &str = "mlops_stage_history";
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
        let from = has_stages.then_some(from);
        let history = tags.remove(HISTORY);
        Ok(Promotion {
            replaced: self.backend.alias(&name, alias)?,
            alias: alias.to_owned(),
            new_history: extended(history.as_deref(), stage, from),
            from,
            history,
            name,
            version,
            stage,
            archived,
        })
    }

    /// Puts a version of a registered model to use: moves it to a stage, archives those that are there, and has the alias
    /// of the stage (`staging`, `production`) point to it. Where there are no stages, the alias alone says so. Its tag
    /// `mlops_stage_history` gets a line with when and by whom. Afterwards all of it is read back.
    ///
    /// # Errors
    /// * those of [`plan_promotion`](Self::plan_promotion), before anything is changed
    /// * [`Refused`](ErrorKind::Refused) if somebody else has moved it meanwhile
    /// * what goes wrong with store or server; what was changed is put back, and if that fails too, the error says so
    pub fn promote(&self, uri: &ModelUri, stage: Stage) -> Result<Promotion, Error> {
        let mut promotions = self.promote_all(std::slice::from_ref(uri), stage)?;
        let target = format_args!("`{uri}`");
        promotions.pop().ok_or_else(|| Error::new(ErrorKind::NotFound, PROMOTE, target))
    }

    /// Puts versions of several models to use, as [`promote`](Self::promote) does, all or none.
    ///
    /// # Errors
    /// * [`Refused`](ErrorKind::Refused) if two of them are versions of one model, or somebody else has moved one
    ///   meanwhile; what they did is left as it is
    /// * those of [`promote`](Self::promote)
    pub fn promote_all(&self, uris: &[ModelUri], stage: Stage) -> Result<Vec<Promotion>, Error> {
        let mut plans: Vec<Promotion> = Vec::new();
        for uri in uris {
            let plan = self.plan_promotion(uri, stage)?;
            if plans.iter().any(|other| other.name == plan.name) {
                let target = format_args!("two versions of `{}`", plan.name);
                return Err(Error::new(ErrorKind::Refused, PROMOTE, target));
            }
            plans.push(plan);
        }
        for (at, plan) in plans.iter().enumerate() {
            if let Err(error) = self.apply(plan) {
                // What failed may have been done all the same.
                return Err(self.put_all_back(&plans[..=at], error));
            }
        }
        plans.iter().try_for_each(|plan| self.verify(plan))?;
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
        self.backend.set_tag(name, *version, HISTORY, Some(&plan.new_history))
    }

    fn verify(&self, plan: &Promotion) -> Result<(), Error> {
        let Promotion { name, version, stage, from, alias, .. } = plan;
        let found = self.backend.version(name, *version)?;
        let is_alone_in_stage = from.is_none()
            || found.stage == *stage && self.in_stage(name, *stage, *version)?.is_empty();
        let is_told = found.tags.get(HISTORY) == Some(&plan.new_history);
        if is_alone_in_stage && is_told && self.backend.alias(name, alias)? == Some(*version) {
            return Ok(());
        }
        let target = format_args!("`{name}/{version}`: somebody else has moved it meanwhile");
        Err(Error::new(ErrorKind::Refused, PROMOTE, target))
    }

    /// Undoes what was done of some plans, each step whatever becomes of the others, and returns what to report.
    fn put_all_back(&self, plans: &[Promotion], error: Error) -> Error {
        let mut first = None;
        for plan in plans.iter().rev() {
            let steps =
                [self.put_tag_back(plan), self.put_alias_back(plan), self.put_stage_back(plan)];
            for failure in steps.into_iter().filter_map(Result::err) {
                first.get_or_insert((plan, failure));
            }
        }
        match first {
            None => error,
            Some((plan, failure)) => {
                let Promotion { name, version, .. } = plan;
                let target = format_args!("`{name}/{version}`, as its promotion failed ({error})");
                Error::new(failure.kind(), "put back", target).with_source(failure)
            }
        }
    }

    // What is no longer as the plan left it is somebody else's.

    fn put_tag_back(&self, plan: &Promotion) -> Result<(), Error> {
        let Promotion { name, version, .. } = plan;
        let tags = self.backend.version(name, *version)?.tags;
        if tags.get(HISTORY) != Some(&plan.new_history) {
            return Ok(());
        }
        self.backend.set_tag(name, *version, HISTORY, plan.history.as_deref())
    }

    fn put_alias_back(&self, plan: &Promotion) -> Result<(), Error> {
        let Promotion { name, version, alias, replaced, .. } = plan;
        if *replaced == Some(*version) || self.backend.alias(name, alias)? != Some(*version) {
            return Ok(());
        }
        self.backend.set_alias(name, alias, *replaced)
    }

    fn put_stage_back(&self, plan: &Promotion) -> Result<(), Error> {
        let Promotion { name, version, stage, from, archived, .. } = plan;
        let Some(from) = from.filter(|from| from != stage) else { return Ok(()) };
        if self.backend.version(name, *version)?.stage != *stage {
            return Ok(());
        }
        // The stage is never empty.
        for version in archived {
            if self.backend.version(name, *version)?.stage == Stage::Archived {
                self.backend.transition_stage(name, *version, *stage, false)?;
            }
        }
        self.backend.transition_stage(name, *version, from, false)
    }
}

/// The history with one more line of JSON.
fn extended(history: Option<&str>, stage: Stage, from: Option<Stage>) -> String {
    let entry = Move {
        stage: stage.to_string(),
        from: from.map(|from| from.to_string()),
        at: meta::now(),
        by: env::user(),
    };
    // Texts and a number always have a form in JSON.
    let line = serde_json::to_string(&entry).unwrap_or_default();
    let before = history.unwrap_or_default();
    let lines: Vec<_> = before.lines().chain([line.as_str()]).collect();
    lines[lines.len().saturating_sub(MAX_MOVES)..].join("\n")
}

/// The tag stays far below what MLflow takes for one.
const MAX_MOVES: usize = 100;
