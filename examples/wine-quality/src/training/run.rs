//! The run of a training: a new one, or that which a killed process left.

use std::fs;
use std::path::{Path, PathBuf};

use mlops_core::durable::FileLock;
use mlops_registry::{Compare, Experiment, Filter, RunStatus, TrackedRun, Tracking, env};

use crate::error::Error;

/// A run with the journals of its searches. Nobody else works on it as long as this lives.
#[derive(Debug)]
pub(crate) struct TrainingRun {
    pub(crate) run: TrackedRun,
    journals: PathBuf,
    /// The journals lie among the run's artifacts, as they do in a directory.
    are_artifacts: bool,
    _lock: FileLock,
}

/// The tag that says what the training is a function of.
const SUBJECT_TAG: &str = "mlops.training";
/// The folder of the journals among the artifacts.
const JOURNALS: &str = "search";
const LOCK: &str = ".lock";

impl TrainingRun {
    /// Goes on with the training of this subject that did not end on this machine, if nobody else does, or begins one with
    /// this name.
    pub(crate) fn begin(
        tracking: &Tracking,
        experiment: &Experiment,
        name: &str,
        subject: &str,
    ) -> Result<Self, Error> {
        let running = || Filter::attribute("status", Compare::Equal, "RUNNING");
        let filter = Filter::tag(SUBJECT_TAG, Compare::Equal, subject)?.and(running()?);
        for run in tracking.search_runs(experiment, &filter)? {
            let (journals, are_artifacts) = journals(&run)?;
            // One of another machine has none here.
            if !journals.is_dir() {
                continue;
            }
            if let Some(lock) = lock(&journals)? {
                let of_run = Filter::tag("mlflow.parentRunId", Compare::Equal, run.id().as_str())?;
                for trial in tracking.search_runs(experiment, &of_run.and(running()?))? {
                    trial.finish(RunStatus::Killed)?;
                }
                return Ok(Self { run, journals, are_artifacts, _lock: lock });
            }
        }
        let run = tracking.start_run(experiment, name, None)?;
        let (journals, are_artifacts) = journals(&run)?;
        fs::create_dir_all(&journals).map_err(Error::io(&journals))?;
        let lock = lock(&journals)?.ok_or_else(|| Error::InUse { path: journals.clone() })?;
        // Nobody finds the run before it is locked.
        run.set_tag(SUBJECT_TAG, subject)?;
        Ok(Self { run, journals, are_artifacts, _lock: lock })
    }

    /// Where the journal of a search is.
    pub(super) fn journal(&self, search: &str) -> PathBuf {
        self.journals.join(format!("{search}.jsonl"))
    }

    /// Ends the run, with the journals among its artifacts.
    pub(crate) fn finish(&self, status: RunStatus) -> Result<(), Error> {
        // Locks have done their work.
        for entry in fs::read_dir(&self.journals).map_err(Error::io(&self.journals))? {
            let path = entry.map_err(Error::io(&self.journals))?.path();
            if path.extension().is_none_or(|extension| extension != "jsonl") {
                fs::remove_file(&path).map_err(Error::io(&path))?;
            }
        }
        if !self.are_artifacts {
            self.run.log_artifacts(&self.journals, JOURNALS)?;
            fs::remove_dir_all(&self.journals).map_err(Error::io(&self.journals))?;
        }
        Ok(self.run.finish(status)?)
    }
}

/// Where the journals of a run are, and whether they are artifacts there.
fn journals(run: &TrackedRun) -> Result<(PathBuf, bool), Error> {
    if let Some(artifacts) = run.artifacts_dir()? {
        return Ok((artifacts.join(JOURNALS), true));
    }
    let state = env::state_root().ok_or(Error::NoHome)?;
    Ok((state.join("searches").join(run.id().as_str()), false))
}

/// The lock of a training, unless another process has it.
fn lock(journals: &Path) -> Result<Option<FileLock>, Error> {
    let path = journals.join(LOCK);
    FileLock::try_acquire(&path).map_err(Error::io(&path))
}
