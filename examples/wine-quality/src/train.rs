//! `train`: searches, measures honestly and by the original's protocol, logs and registers.

mod inputs;
mod protocolled;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mlops_core::{SaveModel, WithInputExample};
use mlops_pipeline::Trial;
use mlops_registry::{
    Experiment, LocalStore, LogBatch, LogSink, NewMetric, RunStatus, TrackedModel, TrackedRun,
    Tracking,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::baseline;
use crate::configuration::Configuration;
use crate::data::Wines;
use crate::error::Error;
use crate::models::Models;
use crate::report::Report;
use crate::screen::{progress, say};
use crate::search::SearchOptions;
use crate::split::{Split, distinct};
use crate::table::BestTrials;
use crate::training_run::TrainingRun;
use inputs::inputs;
use protocolled::{Found, Protocolled, attempt};

const EXPERIMENT: &str = "wine_quality";
const PREDICTION: &str = "wine_quality";
const DRIFT: &str = "wine_quality_drift";
const OUTLIERS: &str = "wine_quality_outlier";
/// The alias of the models that were trained last.
const CHALLENGER: &str = "challenger";
/// So many wines are saved with each model, for whoever wants to try it.
const EXAMPLE_ROWS: usize = 5;
/// The artifact of the booster that the original's protocol chooses; it is logged to be measured, not registered.
pub(crate) const ORIGINAL_PROTOCOL: &str = "original_protocol";

/// How to train.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) search: SearchOptions,
    pub(crate) protocol: Protocol,
    /// The parts of the honest protocol; drawn by the seed if there are none.
    pub(crate) split: Option<PathBuf>,
    /// The test rows of the original's protocol; drawn by the seed if there are none.
    pub(crate) test_rows: Option<PathBuf>,
    /// Where to write which models were registered; into the store, or here for a server, if not said.
    pub(crate) config: Option<PathBuf>,
    /// Whether the best candidates are shown, beside a random forest.
    pub(crate) has_table: bool,
}

/// Whose model is registered.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub(crate) enum Protocol {
    /// All copies of a wine on the same side; stopped and chosen on wines of their own.
    Grouped,
    /// Row by row; stopped and chosen on the wines of the test.
    Original,
}

/// What came of training, and the last line that `train` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    /// The area under the ROC curve on wines that neither trained nor chose.
    pub(crate) auc: f64,
    /// The same as the original measures it.
    pub(crate) auc_original_protocol: f64,
    /// How long the trials took.
    pub(crate) search_seconds: f64,
    pub(crate) search_seconds_original_protocol: f64,
    pub(crate) run_id: String,
    pub(crate) config: PathBuf,
    #[serde(skip)]
    pub(crate) configuration: Configuration,
}

/// Trains on `wines`, tracks that and registers the models; goes on with a training of the same that was killed.
pub(crate) fn train(
    wines: &Wines,
    tracking: &Tracking,
    options: &Options,
) -> Result<Outcome, Error> {
    let seed = options.search.seed;
    let honest = match &options.split {
        Some(path) => Split::read(wines, path)?,
        None => Split::grouped(wines, seed),
    };
    let original = match &options.test_rows {
        Some(path) => Split::original_from(wines, path)?,
        None => Split::original(wines, seed),
    };
    let honest = Protocolled::honest(wines, honest)?;
    let original = Protocolled::original(wines, original)?;
    let experiment = tracking.experiment(EXPERIMENT)?;
    let subject = subject(wines, options, [&honest, &original]);
    let run = TrainingRun::begin(tracking, &experiment, &subject)?;
    let training =
        Training { wines, tracking, options, experiment: &experiment, run: &run, subject };
    let outcome = training.run(&honest, &original);
    let finished = run.finish(end(&outcome));
    // Of two errors the first is the reason.
    outcome.and_then(|outcome| finished.map(|()| outcome))
}

fn end<T, E>(outcome: &Result<T, E>) -> RunStatus {
    if outcome.is_ok() { RunStatus::Finished } else { RunStatus::Failed }
}

/// What the models are a function of, beside this program.
fn subject(wines: &Wines, options: &Options, protocols: [&Protocolled; 2]) -> String {
    let SearchOptions { trials, seed, .. } = options.search;
    let mut text = format!("{} {} {trials} {seed}", env!("CARGO_PKG_VERSION"), wines.digest());
    for protocol in protocols {
        text += &protocol.split.to_csv();
    }
    format!("{:x}", Sha256::digest(text))
}

/// Says what the two figures mean.
fn explain(wines: &Wines, outcome: &Outcome, honest: &Split, original: &Split) {
    say(format_args!(
        "AUC {:.4} on {} held-out wines: copies of a wine stay together, and other wines chose the model",
        outcome.auc,
        honest.test.len()
    ));
    say(format_args!(
        "AUC {:.4} by the original's protocol: {} of its {} test wines are copies of training wines, and the same \
         wines chose the model",
        outcome.auc_original_protocol,
        original.n_copies(wines),
        original.test.len()
    ));
}

struct Training<'a> {
    wines: &'a Wines,
    tracking: &'a Tracking,
    options: &'a Options,
    experiment: &'a Experiment,
    run: &'a TrainingRun,
    subject: String,
}

impl Training<'_> {
    fn run(&self, honest: &Protocolled, original: &Protocolled) -> Result<Outcome, Error> {
        let run = &self.run.run;
        run.log_param("data.rows", self.wines.n_wines())?;
        run.log_param("data.digest", self.wines.digest())?;
        run.log_param("search.seed", self.options.search.seed)?;
        run.log_param("search.trials", self.options.search.trials)?;
        let [honestly, originally] = [self.search(honest)?, self.search(original)?];
        let (auc, auc_original_protocol) = (honestly.test_auc, originally.test_auc);
        run.log_metric("auc", auc, 0)?;
        run.log_metric("auc_original_protocol", auc_original_protocol, 0)?;
        log_model(run, ORIGINAL_PROTOCOL, &original.model(&originally.booster)?)?;

        let (chosen, found) = match self.options.protocol {
            Protocol::Grouped => (honest, &honestly),
            Protocol::Original => (original, &originally),
        };
        run.log_inputs(&inputs(self.wines, chosen))?;
        self.log_artifacts(chosen, found, [honest, original])?;
        let configuration = self.register(chosen, found)?;
        let config = self.options.config.clone().unwrap_or_else(|| {
            let root = self.tracking.store().map_or_else(|| Path::new(""), LocalStore::root);
            root.join("configuration.json")
        });
        configuration.write(&config)?;
        let outcome = Outcome {
            auc,
            auc_original_protocol,
            search_seconds: honestly.seconds,
            search_seconds_original_protocol: originally.seconds,
            run_id: run.id().to_string(),
            config,
            configuration,
        };
        if self.options.has_table {
            let auc = baseline::random_forest_auc(&chosen.parts, self.options.search.seed)?;
            run.log_metric("validation_auc_random_forest", auc, 0)?;
            say(BestTrials { outcome: &found.outcome, baseline: ("random forest", auc) });
        }
        explain(self.wines, &outcome, &honest.split, &original.split);
        Ok(outcome)
    }

    /// Searches by one protocol, and fits what it found.
    fn search(&self, protocol: &Protocolled) -> Result<Found, Error> {
        let bar = progress(self.options.search.trials, "trials");
        let began = Instant::now();
        let journal = self.run.journal(protocol.name);
        let search = self.options.search.search().journal(&journal, &self.subject);
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

    /// Fits the detectors, logs and registers all three models.
    fn register(&self, chosen: &Protocolled, found: &Found) -> Result<Configuration, Error> {
        for (name, value) in found.outcome.best().candidate.iter() {
            self.run.run.log_param(name, value)?;
        }
        let rows = distinct(self.wines, &chosen.split.train);
        let reference = self.wines.records(chosen.parts.train().schema(), &rows)?;
        let prediction = chosen.model(&found.booster)?;
        let models = Models::fit(prediction, &reference, self.options.search.seed)?;
        let example = &rows[..rows.len().min(EXAMPLE_ROWS)];
        let example = self.wines.records(chosen.parts.train().schema(), example)?;
        let run = &self.run.run;
        let prediction =
            log_model(run, PREDICTION, &WithInputExample::new(&models.prediction, &example))?;
        let drift = log_model(run, DRIFT, &WithInputExample::new(&models.drift, &example))?;
        let outliers =
            log_model(run, OUTLIERS, &WithInputExample::new(&models.outliers, &example))?;
        let logged = [(PREDICTION, &prediction), (DRIFT, &drift), (OUTLIERS, &outliers)];
        let versions = self.tracking.register_all(&logged, CHALLENGER)?;
        let uris = versions.iter().map(|it| format!("models:/{}/{}", it.name, it.version));
        let [prediction, drift, outliers] =
            uris.collect::<Vec<_>>().try_into().map_err(|_| Error::NoModels)?;
        Ok(Configuration { prediction, drift, outliers })
    }

    /// Logs the splits, and what there is to look at of the chosen model.
    fn log_artifacts(
        &self,
        chosen: &Protocolled,
        found: &Found,
        [honest, original]: [&Protocolled; 2],
    ) -> Result<(), Error> {
        let run = &self.run.run;
        let folder = tempfile::tempdir().map_err(Error::io(&std::env::temp_dir()))?;
        for (name, split) in
            [("split.csv", &honest.split), ("split_original_protocol.csv", &original.split)]
        {
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
}

/// Logs a model, unless a process that was killed has logged it: the same training makes the same models.
fn log_model(run: &TrackedRun, name: &str, model: &impl SaveModel) -> Result<TrackedModel, Error> {
    match run.model(name)? {
        Some(logged) => Ok(logged),
        None => Ok(run.log_model(name, model)?),
    }
}
