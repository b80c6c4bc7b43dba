//! A training that is tracked: its search, what there is to look at of it, and its models.

mod inputs;
mod protocolled;
mod run;

use std::fs;
use std::path::Path;
use std::time::Instant;

use mlops_core::WithInputExample;
use mlops_pipeline::Trial;
use mlops_registry::{Experiment, LogBatch, LogSink, NewMetric, RunStatus, Tracking};

use crate::data::Wines;
use crate::error::Error;
use crate::known_wines::{KnownWines, WithKnownWines};
use crate::models::Detectors;
use crate::registration::{DRIFT, LoggedModels, OUTLIERS, PREDICTION, log_model};
use crate::report::Report;
use crate::screen::progress;
use crate::search::SearchOptions;
use crate::split::Split;

use inputs::inputs;
use protocolled::attempt;
pub(crate) use protocolled::{Found, Protocolled};
pub(crate) use run::TrainingRun;

/// The experiment of all trainings.
pub(crate) const EXPERIMENT: &str = "wine_quality";
/// So many wines are saved with each model, for whoever wants to try it.
const EXAMPLE_ROWS: usize = 5;

/// What is trained, and where that is tracked.
#[derive(Debug)]
pub(crate) struct Training<'a> {
    pub(crate) wines: &'a Wines,
    pub(crate) tracking: &'a Tracking,
    pub(crate) options: SearchOptions,
    pub(crate) experiment: &'a Experiment,
    pub(crate) run: &'a TrainingRun,
    /// What the models are a function of, beside this program.
    pub(crate) subject: &'a str,
}

/// The status of a run with this outcome.
pub(crate) fn end<T, E>(outcome: &Result<T, E>) -> RunStatus {
    if outcome.is_ok() { RunStatus::Finished } else { RunStatus::Failed }
}

impl Training<'_> {
    /// Logs what the training is a function of.
    pub(crate) fn log_params(&self) -> Result<(), Error> {
        let run = &self.run.run;
        run.log_param("data.rows", self.wines.n_wines())?;
        run.log_param("data.digest", self.wines.digest())?;
        run.log_param("search.seed", self.options.seed)?;
        Ok(run.log_param("search.trials", self.options.trials)?)
    }

    /// Searches by one protocol, and fits what it found.
    pub(crate) fn search(&self, protocol: &Protocolled) -> Result<Found, Error> {
        let bar = progress(self.options.trials, "trials");
        let began = Instant::now();
        let journal = self.run.journal(protocol.name);
        let search = self.options.search().journal(&journal, self.subject);
        let outcome = search.run(|trial| {
            let auc = self.trial(trial, protocol);
            bar.inc(1);
            auc
        });
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let outcome = outcome.map_err(Error::search)?;
        let booster = protocol.parts.fit(outcome.best())?;
        let test_auc = protocol.parts.test_auc(&booster)?;
        Ok(Found { outcome, booster, test_auc, seconds })
    }

    /// Tries one candidate in a run of its own; its AUC on the wines that choose.
    fn trial(&self, trial: &mut Trial<'_>, protocol: &Protocolled) -> Result<f64, Error> {
        let name = format!("{}-{}", protocol.trial, trial.index());
        let run = self.tracking.start_run(self.experiment, &name, Some(self.run.run.id()))?;
        let outcome = attempt(trial, &protocol.parts, &run);
        let finished = run.finish(end(&outcome));
        outcome.and_then(|auc| Ok(finished.map(|()| auc)?))
    }

    /// Logs data, splits under names, and what there is to look at of a model.
    pub(crate) fn log_artifacts(
        &self,
        chosen: &Protocolled,
        found: &Found,
        splits: &[(&str, &Split)],
    ) -> Result<(), Error> {
        let run = &self.run.run;
        run.log_inputs(&inputs(self.wines, chosen))?;
        let folder = tempfile::tempdir().map_err(Error::io(&std::env::temp_dir()))?;
        for (name, split) in splits {
            let path: &Path = &folder.path().join(name);
            fs::write(path, split.to_csv()).map_err(Error::io(path))?;
        }
        let report = Report {
            booster: &found.booster,
            parts: &chosen.parts,
            search: &found.outcome,
            name: PREDICTION,
            run_id: run.id().to_string(),
            digest: self.wines.digest(),
        };
        let evaluation = report.write(folder.path())?;
        run.log_artifacts(folder.path(), "")?;
        let metrics = evaluation.metrics().into_iter();
        let metrics = metrics.map(|(name, value)| NewMetric::new(format!("test_{name}"), value, 0));
        let mut batch = LogBatch::default();
        batch.metrics = metrics.collect();
        Ok(run.log_batch(&batch)?)
    }

    /// Logs the model that was found and its detectors.
    pub(crate) fn log_models(
        &self,
        chosen: &Protocolled,
        found: &Found,
        detectors: &Detectors,
        known: &KnownWines,
    ) -> Result<LoggedModels, Error> {
        let run = &self.run.run;
        for (name, value) in found.outcome.best().candidate.iter() {
            run.log_param(name, value)?;
        }
        let model = chosen.model(&found.booster)?;
        let Detectors { drift, outliers } = detectors;
        // Old wines: what came in requests may be private.
        let mut example = chosen.split.train.clone();
        example.sort_unstable();
        example.truncate(EXAMPLE_ROWS);
        let example = self.wines.records(chosen.parts.train().schema(), &example)?;
        let prediction = WithKnownWines::new(&model, known);
        let prediction = WithInputExample::new(&prediction, &example);
        let drift = WithInputExample::new(drift, &example);
        let outliers = WithInputExample::new(outliers, &example);
        Ok(LoggedModels {
            prediction: log_model(run, PREDICTION, &prediction)?,
            drift: log_model(run, DRIFT, &drift)?,
            outliers: log_model(run, OUTLIERS, &outliers)?,
        })
    }
}
