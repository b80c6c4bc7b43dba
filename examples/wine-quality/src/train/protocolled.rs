use std::sync::Arc;

use mlops_pipeline::{SearchOutcome, Trial};
use mlops_registry::{RunLogger, TrackedRun};
use mlops_xgboost::{Booster, XgboostModel};

use crate::data::Wines;
use crate::error::Error;
use crate::search::{Measured, Parts};
use crate::split::Split;

/// A split with its data.
pub(super) struct Protocolled {
    pub(super) name: &'static str,
    /// What its trials are called.
    pub(super) trial: &'static str,
    pub(super) split: Split,
    pub(super) parts: Parts,
}

/// What a search has found.
pub(super) struct Found {
    pub(super) outcome: SearchOutcome,
    pub(super) booster: Booster,
    pub(super) test_auc: f64,
    /// How long the trials took.
    pub(super) seconds: f64,
}

impl Protocolled {
    pub(super) fn honest(wines: &Wines, split: Split) -> Result<Self, Error> {
        Ok(Self { name: "honest", trial: "trial", parts: Parts::new(wines, &split)?, split })
    }

    pub(super) fn original(wines: &Wines, split: Split) -> Result<Self, Error> {
        let parts = Parts::new(wines, &split)?;
        Ok(Self { name: "original", trial: "original-trial", parts, split })
    }

    pub(super) fn model(&self, booster: &Booster) -> Result<XgboostModel, Error> {
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
    if report.is_complete() { Ok(auc) } else { Err(Error::Unlogged { report }) }
}
