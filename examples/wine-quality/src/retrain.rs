//! `retrain`: what was predicted, and has turned out since, trains a challenger; a gate decides whether it takes the
//! champion's place.

mod champion;
mod evidence;
mod outcome;
mod plan;
mod shift;

use std::path::{Path, PathBuf};

use mlops_core::durable::FileLock;
use mlops_pipeline::evaluation::{Evaluation, PairedBootstrap, ScoredRows};
use mlops_pipeline::{Gate, Verdict};
use mlops_registry::Tracking;
use sha2::{Digest, Sha256};

use crate::configuration::Configuration;
use crate::data::Wines;
use crate::error::Error;
use crate::fingerprint::Fingerprint;
use crate::known_wines::KnownWines;
use crate::models::Detectors;
use crate::registry::NamedRegistry;
use crate::report::of_color;
use crate::search::{SearchOptions, THRESHOLD};
use crate::training::{EXPERIMENT, Found, Protocolled, Training, TrainingRun, end};
use champion::Champion;
use evidence::Evidence;
use plan::Plan;

pub(crate) use evidence::Sources;
use outcome::{Comparison, Metric};
pub(crate) use outcome::{Decision, Outcome};

/// The alias of the models in use.
const CHAMPION: &str = "champion";
/// By how much a challenger may be worse, unless something else is said.
pub(crate) const MARGIN: f64 = 0.02;
/// The wines of each class that judge, at least.
const MIN_JUDGES: usize = 20;

/// How to retrain.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// Names the champion, and the challenger if it passes.
    pub(crate) config: &'a Path,
    pub(crate) sources: Sources<'a>,
    pub(crate) search: SearchOptions,
    /// By how much the challenger's area under the ROC curve may be lower.
    pub(crate) margin: f64,
    pub(crate) when_drift: bool,
    pub(crate) dry_run: bool,
}

/// Trains a challenger on old wines and on those of logs with labels; if it passes the gate, registers its models and names
/// them in the configuration. Otherwise everything stays as it was.
pub(crate) fn retrain(
    old: &Wines,
    tracking: &Tracking,
    registry: &NamedRegistry,
    options: &Options<'_>,
) -> Result<Outcome, Error> {
    let _lock = lock(options.config)?;
    let configuration = Configuration::read(options.config)?;
    let champion = Champion::find(registry, &configuration)?;
    let evidence = Evidence::read(&options.sources, &champion)?;
    let mut outcome = Outcome {
        decision: Decision::NothingNew,
        evidence: evidence.counts,
        shift: evidence.shift.clone(),
        comparison: None,
        configuration,
    };
    if options.when_drift && evidence.shift.is_none() {
        outcome.decision = Decision::NoDrift;
        return Ok(outcome);
    }
    if evidence.counts.fresh == 0 {
        return Ok(outcome);
    }
    check_old_wines(old, &evidence, &champion.known)?;
    let plan = Plan::draw(old, &evidence, &champion.known, options.search.seed);
    if plan.n_judges_of_classes().into_iter().any(|n_judges| n_judges < MIN_JUDGES) {
        outcome.decision = Decision::TooFewWines;
        return Ok(outcome);
    }
    let retraining = Retraining { tracking, options, champion: &champion, plan };
    retraining.run(&mut outcome)?;
    Ok(outcome)
}

/// Whether most of what the champion has learned from is there.
fn check_old_wines(old: &Wines, evidence: &Evidence, known: &KnownWines) -> Result<(), Error> {
    let mut missing = known.learned.clone();
    for row in 0..old.n_wines() {
        missing.remove(&old.fingerprint(row));
    }
    for row in evidence.records.values().rows() {
        missing.remove(&Fingerprint::of(row));
    }
    let (n_missing, n_learned) = (missing.len(), known.learned.len());
    if 2 * n_missing > n_learned { Err(Error::OtherWines { n_missing, n_learned }) } else { Ok(()) }
}

/// Keeps other processes from retraining the same models.
fn lock(config: &Path) -> Result<FileLock, Error> {
    let mut name = config.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = config.with_file_name(name);
    let lock = FileLock::try_acquire(&path).map_err(Error::io(&path))?;
    lock.ok_or_else(|| Error::Retraining { path: config.to_owned() })
}

struct Retraining<'a> {
    tracking: &'a Tracking,
    options: &'a Options<'a>,
    champion: &'a Champion,
    plan: Plan,
}

impl Retraining<'_> {
    fn run(self, outcome: &mut Outcome) -> Result<(), Error> {
        let Self { tracking, options, .. } = self;
        let wines = &self.plan.wines;
        let split = self.plan.split.clone();
        let subject = self.subject(&outcome.configuration);
        let experiment = tracking.experiment(EXPERIMENT)?;
        let run = TrainingRun::begin(tracking, &experiment, "retrain", &subject)?;
        let training = Training {
            wines,
            tracking,
            options: options.search,
            experiment: &experiment,
            run: &run,
            subject: &subject,
        };
        let chosen = Protocolled::new("retrain", "trial", wines, split)?;
        let retrained = self.challenge(&training, &chosen, outcome);
        let finished = run.finish(end(&retrained));
        // Of two errors the first is the reason.
        retrained?;
        finished
    }

    /// What the models are a function of, beside this program.
    fn subject(&self, champion: &Configuration) -> String {
        let SearchOptions { trials, seed, .. } = self.options.search;
        let (version, digest) = (env!("CARGO_PKG_VERSION"), self.plan.wines.digest());
        let Configuration { prediction, .. } = champion;
        let split = self.plan.split.to_csv();
        let text = format!("retrain {version} {prediction} {digest} {trials} {seed} {split}");
        format!("{:x}", Sha256::digest(text))
    }

    fn challenge(
        &self,
        training: &Training<'_>,
        chosen: &Protocolled,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let run = &training.run.run;
        training.log_params()?;
        run.log_param("champion", &outcome.configuration.prediction)?;
        let found = training.search(chosen)?;
        let comparison = self.compare(chosen, &found, run.id().to_string())?;
        let is_passed = comparison.verdict.is_passed();
        run.set_tag("gate", if is_passed { "passed" } else { "failed" })?;
        training.log_artifacts(chosen, &found, &[("split.csv", &chosen.split)])?;
        outcome.comparison = Some(comparison);
        outcome.decision = match is_passed {
            false => Decision::Rejected,
            true if self.options.dry_run => Decision::DryRun,
            true => Decision::Promoted,
        };
        if outcome.decision == Decision::Promoted {
            outcome.configuration =
                self.promote(training, chosen, &found, &outcome.configuration)?;
        }
        Ok(())
    }

    /// Lets the gate judge.
    fn compare(
        &self,
        chosen: &Protocolled,
        found: &Found,
        run_id: String,
    ) -> Result<Comparison, Error> {
        let (records, labels) = chosen.parts.test();
        let predict = |booster: &mlops_xgboost::Booster| booster.predict(records.values());
        let champion = predict(self.champion.model.booster())?;
        let challenger = predict(&found.booster)?;
        let champion = ScoredRows::new(&champion, labels)?;
        let challenger = ScoredRows::new(&challenger, labels)?;
        let [red, white] = [1.0, 0.0].map(|is_red| of_color(records, is_red));
        let slices = [("red wines", &*red), ("white wines", &*white)];
        let gate = Gate::new()
            .margin(self.options.margin)
            .min_rows_of_class(MIN_JUDGES)
            .bootstrap(PairedBootstrap::new().seed(self.options.search.seed));
        let verdict: Verdict = gate.judge(&champion, &challenger, &slices)?;
        let [champion, challenger] =
            [champion, challenger].map(|rows| Evaluation::of(&rows, THRESHOLD).metrics());
        let metrics = champion.into_iter().filter_map(|(name, value)| {
            let (_, challenger) = challenger.iter().find(|(other, _)| *other == name)?;
            Some(Metric { name, champion: value, challenger: *challenger })
        });
        Ok(Comparison { run_id, n_wines: labels.len(), metrics: metrics.collect(), verdict })
    }

    /// Registers the challenger's models as the champion's, and names them in the configuration.
    fn promote(
        &self,
        training: &Training<'_>,
        chosen: &Protocolled,
        found: &Found,
        champion: &Configuration,
    ) -> Result<Configuration, Error> {
        let Plan { wines, split, reference } = &self.plan;
        let detectors = match reference {
            None => self.champion.detectors.clone(),
            Some(reference) => {
                let reference = wines.records(chosen.parts.train().schema(), reference)?;
                Detectors::fit(&reference, self.options.search.seed)?
            }
        };
        // Whoever judged may train from now on, and judge nobody any more.
        let KnownWines { mut learned, tested: judges } = KnownWines::of(wines, split);
        learned.extend(judges);
        let known = KnownWines { learned, tested: self.champion.known.tested.clone() };
        let models = training.log_models(chosen, found, &detectors, &known)?;
        if Configuration::read(self.options.config)? != *champion {
            return Err(Error::ConfigurationChanged { path: self.options.config.to_owned() });
        }
        let configuration = models.register(self.tracking, training.run.run.id(), CHAMPION)?;
        let path: PathBuf = self.options.config.to_owned();
        match configuration.write(&path) {
            Ok(()) => Ok(configuration),
            Err(source) => {
                let configuration = serde_json::to_string(&configuration).map_err(Error::Answer)?;
                let source = Box::new(source);
                Err(Error::NotNamed { path, alias: CHAMPION, configuration, source })
            }
        }
    }
}
