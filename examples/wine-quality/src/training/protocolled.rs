use std::sync::Arc;

use mlops_pipeline::{SearchOutcome, Trial};
use mlops_registry::{RunLogger, TrackedRun};
use mlops_xgboost::{Booster, XgboostModel};

use crate::data::Wines;
use crate::error::Error;
use crate::search::{Measured, Parts};
use crate::split::Split;

/// A split with its data.
#[derive(Debug)]
pub(crate) struct Protocolled {
    pub(super) name: &'static str,
    pub(super) trial: &'static str,
    pub(crate) split: Split,
    pub(crate) parts: Parts,
}

/// What a search has found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) outcome: SearchOutcome,
    pub(crate) booster: Booster,
    pub(crate) test_auc: f64,
    /// How long the trials took.
    pub(crate) seconds: f64,
}

impl Protocolled {
    /// `name` is that of its journal, and `trial` what its trials are called.
    pub(crate) fn new(
        name: &'static str,
        trial: &'static str,
        wines: &Wines,
        split: Split,
    ) -> Result<Self, Error> {
        Ok(Self { name, trial, parts: Parts::new(wines, &split)?, split })
    }

    pub(crate) fn model(&self, booster: &Booster) -> Result<XgboostModel, Error> {
        Ok(XgboostModel::new(booster.clone(), Arc::clone(self.parts.train().schema()))?)
    }
}

/// Tries one candidate and tells the run all about it; its AUC on the wines that choose.
pub(super) fn attempt(
    trial: &mut Trial<'_>,
    parts: &Parts,
    run: &TrackedRun,
) -> Result<f64, Error> {
    let logger = RunLogger::new(run.clone())?;
    for (name, value) in trial.candidate().iter() {
        logger.log_param(name, value);
    }
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
    if report.is_complete() { Ok(auc) } else { Err(Error::unlogged(report)) }
}
