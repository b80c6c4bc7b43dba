//! `train`: searches, measures honestly and by the original's protocol, logs and registers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlops_core::SaveModel;
use mlops_registry::{LocalStore, Run, RunStatus};
use mlops_xgboost::{Booster, XgboostModel};
use serde::Serialize;

use crate::configuration::Configuration;
use crate::data::Wines;
use crate::error::Error;
use crate::models::Models;
use crate::screen::{progress, say};
use crate::search::{Candidate, Parts, Trial};
use crate::split::{Split, distinct};

const EXPERIMENT: &str = "wine_quality";
/// The artifact of the booster that the original's protocol chooses; it is logged to be measured, not registered.
pub(crate) const ORIGINAL_PROTOCOL: &str = "original_protocol";

/// How to train.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) trials: usize,
    pub(crate) seed: u64,
    pub(crate) protocol: Protocol,
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
    let honest = Protocolled::new(wines, Split::grouped(wines, options.seed))?;
    let original = match &options.test_rows {
        Some(path) => Split::original_from(wines, path)?,
        None => Split::original(wines, options.seed),
    };
    let original = Protocolled::new(wines, original)?;
    let experiment = store.experiment(EXPERIMENT)?;
    let run = store.start_run(&experiment, "train", None)?;
    let outcome = Training { wines, store, options, experiment: &experiment, run: &run }
        .run(honest, original);
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

/// A split with its data and the best trial so far.
struct Protocolled {
    split: Split,
    parts: Parts,
    best: Option<Trial>,
}

impl Protocolled {
    fn new(wines: &Wines, split: Split) -> Result<Self, Error> {
        Ok(Self { parts: Parts::new(wines, &split)?, split, best: None })
    }

    /// Trains a candidate and keeps it if it is the best; returns its AUC on the rows that choose.
    fn try_candidate(&mut self, candidate: Candidate) -> Result<f64, Error> {
        let trial = self.parts.trial(candidate)?;
        let auc = trial.validation_auc;
        if self.best.as_ref().is_none_or(|best| auc > best.validation_auc) {
            self.best = Some(trial);
        }
        Ok(auc)
    }

    fn best(&self) -> Result<&Trial, Error> {
        self.best.as_ref().ok_or(Error::NoTrials)
    }

    fn test_auc(&self) -> Result<f64, Error> {
        Ok(self.parts.test_auc(&self.best()?.training.booster)?)
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
    fn run(&self, mut honest: Protocolled, mut original: Protocolled) -> Result<Outcome, Error> {
        self.run.log_param("data.rows", self.wines.n_wines())?;
        self.run.log_param("search.seed", self.options.seed)?;
        let bar = progress(self.options.trials, "trials");
        for index in 0..self.options.trials {
            self.trial(index, &mut honest, &mut original)?;
            bar.inc(1);
        }
        bar.finish_and_clear();

        let (auc, auc_original_protocol) = (honest.test_auc()?, original.test_auc()?);
        self.run.log_metric("auc", auc, 0)?;
        self.run.log_metric("auc_original_protocol", auc_original_protocol, 0)?;
        self.artifact("split.csv", &honest.split.to_csv())?;
        self.artifact("split_original_protocol.csv", &original.split.to_csv())?;
        let original_model = original.model(&original.best()?.training.booster)?;
        self.run.log_model(ORIGINAL_PROTOCOL, &original_model)?;

        let chosen = if self.options.protocol == Protocol::Grouped { &honest } else { &original };
        let configuration = self.register(chosen)?;
        let config = self.options.config.clone();
        let config = config.unwrap_or_else(|| self.store.root().join("configuration.json"));
        configuration.write(&config)?;
        let run_id = self.run.id().to_string();
        let outcome = Outcome { auc, auc_original_protocol, run_id, config, configuration };
        explain(self.wines, &outcome, &honest.split, &original.split);
        Ok(outcome)
    }

    /// Tries one candidate under both protocols, in a run of its own.
    fn trial(
        &self,
        index: usize,
        honest: &mut Protocolled,
        original: &mut Protocolled,
    ) -> Result<(), Error> {
        let run = self.store.start_run(
            self.experiment,
            &format!("trial-{index}"),
            Some(self.run.id()),
        )?;
        let candidate = Candidate::draw(self.options.seed, index);
        let logged = log_candidate(&run, &candidate).and_then(|()| {
            run.log_metric("validation_auc", honest.try_candidate(candidate)?, 0)?;
            run.log_metric("auc_original_protocol", original.try_candidate(candidate)?, 0)?;
            Ok(())
        });
        run.finish(if logged.is_ok() { RunStatus::Finished } else { RunStatus::Failed })?;
        logged
    }

    /// Fits the detectors, logs and registers all three models.
    fn register(&self, chosen: &Protocolled) -> Result<Configuration, Error> {
        let best = chosen.best()?;
        log_candidate(self.run, &best.candidate)?;
        let log_losses = best.training.evaluations.iter().flat_map(|evaluation| &evaluation.values);
        for (step, value) in (0..).zip(log_losses) {
            self.run.log_metric("validation_logloss", *value, step)?;
        }
        let rows = distinct(self.wines, &chosen.split.train);
        let reference = self.wines.records(chosen.parts.train().schema(), &rows)?;
        let models =
            Models::fit(chosen.model(&best.training.booster)?, &reference, self.options.seed)?;
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

fn log_candidate(run: &Run, candidate: &Candidate) -> Result<(), Error> {
    for (name, value) in candidate.named() {
        run.log_param(name, value)?;
    }
    Ok(())
}
