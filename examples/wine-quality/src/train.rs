//! `train`: searches, measures honestly and by the original's protocol, logs and registers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use mlops_core::SaveModel;
use mlops_pipeline::{Candidate, FinishedTrial, Trial};
use mlops_registry::{LocalStore, Run, RunLogger, RunStatus};
use mlops_xgboost::{Booster, XgboostModel};
use serde::Serialize;

use crate::configuration::Configuration;
use crate::data::Wines;
use crate::error::Error;
use crate::models::Models;
use crate::screen::{progress, say};
use crate::search::{Measured, Parts, SearchOptions};
use crate::split::{Split, distinct};

const EXPERIMENT: &str = "wine_quality";
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
    /// Where to write which models were registered; into the store if not said.
    pub(crate) config: Option<PathBuf>,
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

/// Trains on `wines` and registers the models in `store`.
pub(crate) fn train(
    wines: &Wines,
    store: &LocalStore,
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
    let honest = Protocolled::new("trial", wines, honest)?;
    let original = Protocolled::new("original-trial", wines, original)?;
    let experiment = store.experiment(EXPERIMENT)?;
    let run = store.start_run(&experiment, "train", None)?;
    let outcome = Training { wines, store, options, experiment: &experiment, run: &run }
        .run(&honest, &original);
    run.finish(if outcome.is_ok() { RunStatus::Finished } else { RunStatus::Failed })?;
    outcome
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

/// A split with its data.
struct Protocolled {
    /// What its trials are called.
    trial: &'static str,
    split: Split,
    parts: Parts,
}

/// What a search has found.
struct Found {
    best: FinishedTrial,
    booster: Booster,
    test_auc: f64,
    /// How long the trials took.
    seconds: f64,
}

impl Protocolled {
    fn new(trial: &'static str, wines: &Wines, split: Split) -> Result<Self, Error> {
        Ok(Self { trial, parts: Parts::new(wines, &split)?, split })
    }

    fn model(&self, booster: &Booster) -> Result<XgboostModel, Error> {
        Ok(XgboostModel::new(booster.clone(), Arc::clone(self.parts.train().schema()))?)
    }
}

struct Training<'a> {
    wines: &'a Wines,
    store: &'a LocalStore,
    options: &'a Options,
    experiment: &'a mlops_registry::Experiment,
    run: &'a Run,
}

impl Training<'_> {
    fn run(&self, honest: &Protocolled, original: &Protocolled) -> Result<Outcome, Error> {
        self.run.log_param("data.rows", self.wines.n_wines())?;
        self.run.log_param("search.seed", self.options.search.seed)?;
        self.run.log_param("search.trials", self.options.search.trials)?;
        let [honestly, originally] = [self.search(honest)?, self.search(original)?];
        let (auc, auc_original_protocol) = (honestly.test_auc, originally.test_auc);
        self.run.log_metric("auc", auc, 0)?;
        self.run.log_metric("auc_original_protocol", auc_original_protocol, 0)?;
        self.artifact("split.csv", &honest.split.to_csv())?;
        self.artifact("split_original_protocol.csv", &original.split.to_csv())?;
        self.run.log_model(ORIGINAL_PROTOCOL, &original.model(&originally.booster)?)?;

        let configuration = match self.options.protocol {
            Protocol::Grouped => self.register(honest, &honestly)?,
            Protocol::Original => self.register(original, &originally)?,
        };
        let config = self.options.config.clone();
        let config = config.unwrap_or_else(|| self.store.root().join("configuration.json"));
        configuration.write(&config)?;
        let outcome = Outcome {
            auc,
            auc_original_protocol,
            search_seconds: honestly.seconds,
            search_seconds_original_protocol: originally.seconds,
            run_id: self.run.id().to_string(),
            config,
            configuration,
        };
        explain(self.wines, &outcome, &honest.split, &original.split);
        Ok(outcome)
    }

    /// Searches by one protocol, and fits what it found.
    fn search(&self, protocol: &Protocolled) -> Result<Found, Error> {
        let bar = progress(self.options.search.trials, "trials");
        let began = Instant::now();
        let outcome = self.options.search.search().run(|trial| {
            let auc = self.trial(trial, protocol);
            bar.inc(1);
            auc
        });
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let best = outcome.map_err(Error::search)?.best().clone();
        let booster = protocol.parts.fit(&best)?;
        let test_auc = protocol.parts.test_auc(&booster)?;
        Ok(Found { best, booster, test_auc, seconds })
    }

    /// Tries one candidate in a run of its own; its AUC on the wines that choose.
    fn trial(&self, trial: &mut Trial<'_>, protocol: &Protocolled) -> Result<f64, Error> {
        let name = format!("{}-{}", protocol.trial, trial.index());
        let run = self.store.start_run(self.experiment, &name, Some(self.run.id()))?;
        let outcome = attempt(trial, &protocol.parts, &run);
        run.finish(if outcome.is_ok() { RunStatus::Finished } else { RunStatus::Failed })?;
        outcome
    }

    /// Fits the detectors, logs and registers all three models.
    fn register(&self, chosen: &Protocolled, found: &Found) -> Result<Configuration, Error> {
        log_candidate(self.run, &found.best.candidate)?;
        let rows = distinct(self.wines, &chosen.split.train);
        let reference = self.wines.records(chosen.parts.train().schema(), &rows)?;
        let prediction = chosen.model(&found.booster)?;
        let models = Models::fit(prediction, &reference, self.options.search.seed)?;
        Ok(Configuration {
            prediction: self.register_one("wine_quality", &models.prediction)?,
            drift: self.register_one("wine_quality_drift", &models.drift)?,
            outliers: self.register_one("wine_quality_outlier", &models.outliers)?,
        })
    }

    fn register_one(&self, name: &str, model: &impl SaveModel) -> Result<String, Error> {
        let logged = self.run.log_model(name, model)?;
        self.store.register(name)?;
        let version = self.store.create_model_version(name, &logged)?.version;
        Ok(format!("models:/{name}/{version}"))
    }

    fn artifact(&self, name: &str, content: &str) -> Result<(), Error> {
        let path: &Path = &self.run.artifacts()?.join(name);
        fs::write(path, content).map_err(Error::io(path))
    }
}

/// Tries one candidate and tells the run all about it; its AUC on the wines that choose.
fn attempt(trial: &mut Trial<'_>, parts: &Parts, run: &Run) -> Result<f64, Error> {
    log_candidate(run, trial.candidate())?;
    let logger = RunLogger::new(run.clone())?;
    let mut round = 0;
    let measured = parts.attempt(trial, |loss| {
        logger.log_metric("validation_logloss", loss, round);
        round += 1;
    })?;
    let Measured { auc, log_loss, confusion } = measured;
    let metrics = [
        ("validation_auc", auc),
        ("validation_logloss_best", log_loss),
        ("validation_accuracy", confusion.accuracy()),
        ("validation_true_positives", confusion.true_positives as f64),
        ("validation_false_positives", confusion.false_positives as f64),
        ("validation_true_negatives", confusion.true_negatives as f64),
        ("validation_false_negatives", confusion.false_negatives as f64),
    ];
    for (name, value) in metrics {
        logger.log_metric(name, value, 0);
    }
    logger.set_tag("pruned", trial.is_pruned());
    let report = logger.finish();
    if report.is_complete() { Ok(auc) } else { Err(Error::Unlogged { report }) }
}

fn log_candidate(run: &Run, candidate: &Candidate) -> Result<(), Error> {
    for (name, value) in candidate.iter() {
        run.log_param(name, value)?;
    }
    Ok(())
}
