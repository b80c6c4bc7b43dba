//! The original's search for the parameters of the booster.

use std::ops::ControlFlow;

use mlops_core::Records;
use mlops_pipeline::evaluation::{Confusion, ScoredRows};
use mlops_pipeline::{Candidate, FinishedTrial, Pruning, Search, SearchSpace, Trial};
use mlops_xgboost::{Booster, Dataset, Params, log_loss, roc_auc};

use crate::data::Wines;
use crate::error::Error;
use crate::split::Split;

/// How to search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchOptions {
    pub(crate) trials: usize,
    pub(crate) jobs: usize,
    pub(crate) seed: u64,
}

/// A wine is called good if its probability is above.
pub(crate) const THRESHOLD: f64 = 0.5;
/// More rounds than a booster needs; training stops when it has not got better for a while.
const MAX_ROUNDS: usize = 1000;
const PATIENCE: usize = 50;
/// Boosters that learn slowly are behind others in their first rounds.
const WARM_UP: usize = 30;
/// So many trials go anywhere before the others listen to them.
const STARTUP: usize = 10;

impl SearchOptions {
    /// The search for the best area under the ROC curve in the original's space.
    pub(crate) fn search(self) -> Search {
        let search = Search::maximize(space()).trials(self.trials).startup_trials(STARTUP);
        let pruning = Pruning::new().warm_up(WARM_UP);
        search.seed(self.seed).jobs(self.jobs).pruning(pruning)
    }
}

/// The names are XGBoost's.
fn space() -> SearchSpace {
    let exp = f64::exp;
    SearchSpace::new()
        .integer("max_depth", 4..=100)
        .log_uniform("learning_rate", exp(-3.0)..exp(0.0))
        .log_uniform("reg_alpha", exp(-5.0)..exp(-1.0))
        .log_uniform("reg_lambda", exp(-6.0)..exp(-1.0))
        .log_uniform("min_child_weight", exp(-1.0)..exp(3.0))
}

fn params(candidate: &Candidate) -> Params {
    #[expect(clippy::cast_possible_truncation, reason = "the booster's parameters have 32 bits")]
    let real = |name| candidate.real(name) as f32;
    Booster::params()
        .max_depth(candidate.integer("max_depth") as usize)
        .learning_rate(real("learning_rate"))
        .reg_alpha(real("reg_alpha"))
        .reg_lambda(real("reg_lambda"))
        .min_child_weight(real("min_child_weight"))
}

/// The records and labels of a split's parts.
#[derive(Debug)]
pub(crate) struct Parts {
    train: (Records, Vec<bool>),
    validation: (Records, Vec<bool>),
    test: (Records, Vec<bool>),
    /// What the chosen parameters are trained on once more.
    known: (Records, Vec<bool>),
}

/// Wines, and whether they are good.
pub(crate) type Part<'a> = (&'a Records, &'a [bool]);

/// How well a trial does where candidates are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) auc: f64,
    pub(crate) log_loss: f64,
    pub(crate) confusion: Confusion,
}

impl Parts {
    pub(crate) fn new(wines: &Wines, split: &Split) -> Result<Self, mlops_core::Error> {
        let schema = wines.schema(&split.train)?;
        let part = |rows: &[usize]| Ok((wines.records(&schema, rows)?, wines.labels(rows)));
        Ok(Self {
            train: part(&split.train)?,
            validation: part(&split.validation)?,
            test: part(&split.test)?,
            known: part(&split.known())?,
        })
    }

    pub(crate) fn train(&self) -> &Records {
        &self.train.0
    }

    /// Trains a candidate and measures it; tells `on_round` the log-loss on the validation rows after each round.
    pub(crate) fn attempt(
        &self,
        trial: &mut Trial<'_>,
        mut on_round: impl FnMut(f64),
    ) -> Result<Measured, Error> {
        let [train, validation] = [&self.train, &self.validation];
        let set = Dataset::new(&train.0, &train.1)?;
        let held_out = Dataset::new(&validation.0, &validation.1)?;
        let params = params(trial.candidate()).rounds(MAX_ROUNDS).early_stopping_rounds(PATIENCE);
        let training = params.fit_with(&set, &[("validation", &held_out)], |round| {
            let losses = round.evaluations.first().and_then(|losses| losses.values.last());
            losses.map_or(ControlFlow::Continue(()), |loss| {
                on_round(*loss);
                trial.report(-loss)
            })
        })?;
        let probabilities = training.booster.predict(validation.0.values())?;
        let rows = ScoredRows::new(&probabilities, &validation.1)?;
        Ok(Measured {
            auc: roc_auc(&probabilities, &validation.1).ok_or(mlops_xgboost::Error::OneClass)?,
            log_loss: log_loss(&probabilities, &validation.1),
            confusion: Confusion::at(&rows, THRESHOLD),
        })
    }

    /// A booster with the parameters of a trial and the rounds that were best for it, of all rows that are not for the
    /// test.
    pub(crate) fn fit(&self, trial: &FinishedTrial) -> Result<Booster, Error> {
        let best = trial.reported.iter().rev().copied().enumerate();
        let best = best.max_by(|(_, left), (_, right)| left.total_cmp(right));
        let n_rounds = best.map_or(1, |(from_end, _)| trial.reported.len() - from_end);
        let known = Dataset::new(&self.known.0, &self.known.1)?;
        Ok(params(&trial.candidate).rounds(n_rounds).fit(&known, &[])?.booster)
    }

    /// The area under the ROC curve on the test rows.
    pub(crate) fn test_auc(&self, booster: &Booster) -> Result<f64, Error> {
        let (records, labels) = &self.test;
        let auc = roc_auc(&booster.predict(records.values())?, labels);
        Ok(auc.ok_or(mlops_xgboost::Error::OneClass)?)
    }

    /// What trains candidates, and what compares them.
    pub(crate) fn of_the_search(&self) -> [Part<'_>; 2] {
        [(&self.train.0, &self.train.1), (&self.validation.0, &self.validation.1)]
    }

    pub(crate) fn known(&self) -> &Records {
        &self.known.0
    }

    pub(crate) fn test(&self) -> Part<'_> {
        (&self.test.0, &self.test.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_best_on_the_validation_rows_is_fitted_to_all_that_may_be_known() {
        let wines = Wines::bundled().unwrap();
        let parts = Parts::new(&wines, &Split::grouped(&wines, 1)).unwrap();
        let search = SearchOptions { trials: 1, jobs: 1, seed: 1 }.search();
        let mut losses = Vec::new();
        let losses_of = std::sync::Mutex::new(&mut losses);
        let outcome = search.run(|trial| {
            let told = |loss| losses_of.lock().unwrap().push(loss);
            parts.attempt(trial, told).map(|measured| measured.auc)
        });
        let outcome = outcome.unwrap();
        let booster = parts.fit(outcome.best()).unwrap();
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(losses[booster.n_trees() - 1], least);
        assert_eq!(losses.len(), booster.n_trees() + PATIENCE);
        assert_eq!(parts.known.1.len(), parts.train.1.len() + parts.validation.1.len());
        assert!(parts.test_auc(&booster).unwrap() > 0.75);
    }
}
