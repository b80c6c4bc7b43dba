//! `train`: searches, measures honestly and by the original's protocol, logs and registers.

use std::path::{Path, PathBuf};

use mlops_registry::{LocalStore, Tracking};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::baseline;
use crate::configuration::Configuration;
use crate::data::Wines;
use crate::error::Error;
use crate::known_wines::KnownWines;
use crate::models::Detectors;
use crate::registration::log_model;
use crate::screen::say;
use crate::search::SearchOptions;
use crate::split::{Split, distinct};
use crate::table::BestTrials;
use crate::training::{EXPERIMENT, Protocolled, Training, TrainingRun, end};

/// The alias of the models that were trained last.
const CHALLENGER: &str = "challenger";
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
    let honest = Protocolled::new("honest", "trial", wines, honest)?;
    let original = Protocolled::new("original", "original-trial", wines, original)?;
    let experiment = tracking.experiment(EXPERIMENT)?;
    let subject = subject(wines, options, [&honest, &original]);
    let run = TrainingRun::begin(tracking, &experiment, "train", &subject)?;
    let (experiment, run, subject) = (&experiment, &run, &*subject);
    let training = Training { wines, tracking, options: options.search, experiment, run, subject };
    let outcome = train_both(&training, options, &honest, &original);
    let finished = run.finish(end(&outcome));
    // Of two errors the first is the reason.
    outcome.and_then(|outcome| finished.map(|()| outcome))
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

/// Searches by both protocols, and registers the model of one of them with its detectors.
fn train_both(
    training: &Training<'_>,
    options: &Options,
    honest: &Protocolled,
    original: &Protocolled,
) -> Result<Outcome, Error> {
    let run = &training.run.run;
    training.log_params()?;
    let [honestly, originally] = [training.search(honest)?, training.search(original)?];
    let (auc, auc_original_protocol) = (honestly.test_auc, originally.test_auc);
    run.log_metric("auc", auc, 0)?;
    run.log_metric("auc_original_protocol", auc_original_protocol, 0)?;
    log_model(run, ORIGINAL_PROTOCOL, &original.model(&originally.booster)?)?;

    let (chosen, found) = match options.protocol {
        Protocol::Grouped => (honest, &honestly),
        Protocol::Original => (original, &originally),
    };
    let splits = [("split.csv", &honest.split), ("split_original_protocol.csv", &original.split)];
    training.log_artifacts(chosen, found, &splits)?;
    let rows = distinct(training.wines, &chosen.split.train);
    let reference = training.wines.records(chosen.parts.train().schema(), &rows)?;
    let known = KnownWines::of(training.wines, &chosen.split);
    let detectors = Detectors::fit(&reference, options.search.seed)?;
    let models = training.log_models(chosen, found, &detectors, &known)?;
    let configuration = models.register(training.tracking, run.id(), CHALLENGER)?;
    let config = options.config.clone().unwrap_or_else(|| {
        let root = training.tracking.store().map_or_else(|| Path::new(""), LocalStore::root);
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
    if options.has_table {
        let auc = baseline::random_forest_auc(&chosen.parts, options.search.seed)?;
        run.log_metric("validation_auc_random_forest", auc, 0)?;
        say(BestTrials { outcome: &found.outcome, baseline: ("random forest", auc) });
    }
    explain(training.wines, &outcome, &honest.split, &original.split);
    Ok(outcome)
}
