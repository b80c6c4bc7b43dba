//! The models of the command line, of this project's or of Python's making.

use std::sync::Arc;

use mlops_core::{Classifier, DriftDetector, LoadContext, LoadModel, ModelDir, OutlierDetector};
use mlops_drift::{AlibiDrift, AlibiModel, TabularDrift};
use mlops_outlier::IsolationForest;
use mlops_pyobject::sklearn::SavedModel;
use mlops_serve::Model;
use mlops_xgboost::XgboostModel;

use crate::cli::{Cli, Named, PValues};
use crate::error::Error;
use crate::note;

/// Loads the models with their detectors: the first, and the others in their order.
pub(crate) fn load(cli: &Cli) -> Result<(Model, Vec<Model>), Error> {
    for (option, detectors) in [("drift", &cli.drift), ("outliers", &cli.outliers)] {
        check(option, detectors, &cli.models)?;
    }
    let (first, others) = cli.models.split_first().ok_or(Error::NoModel)?;
    let load = |named: &Named| model(named, cli);
    Ok((load(first)?, others.iter().map(load).collect::<Result<_, _>>()?))
}

/// Each detector watches a model that is there, and none has two of a kind.
fn check(option: &'static str, detectors: &[Named], models: &[Named]) -> Result<(), Error> {
    for (at, Named { name, .. }) in detectors.iter().enumerate() {
        if models.iter().all(|model| model.name != *name) {
            return Err(Error::UnknownModel { option, name: name.clone() });
        }
        if detectors[..at].iter().any(|other| other.name == *name) {
            return Err(Error::SecondDetector { option, name: name.clone() });
        }
    }
    Ok(())
}

fn model(named: &Named, cli: &Cli) -> Result<Model, Error> {
    let booster = part("model", named, |dir| Ok(XgboostModel::load(dir, &LoadContext::new())?))?;
    let booster = Arc::new(booster);
    let mut model = if is_classifier(booster.booster().objective()) {
        Model::classifier(&named.name, Classifier::new(Arc::clone(&booster)))
    } else {
        Model::regressor(&named.name, Arc::clone(&booster))
    };
    // Detectors without a schema of their own read what the model reads.
    let context = LoadContext::new().schema(Arc::clone(booster.schema()));
    model = model.explainer(booster).digest(part("model", named, |dir| Ok(dir.digest()?))?);
    let watches = |detector: &&Named| detector.name == named.name;
    if let Some(named) = cli.drift.iter().find(watches) {
        let load = |dir: &ModelDir| drift(dir, &context, cli.p_values);
        model = model.drift(part("drift detector", named, load)?);
    }
    if let Some(named) = cli.outliers.iter().find(watches) {
        let load = |dir: &ModelDir| Ok(IsolationForest::load(dir, &context)?);
        let forest = part("outlier detector", named, load)?;
        if !forest.is_threshold_reachable() {
            note(format_args!(
                "warning: the outlier threshold {} in {} is out of reach: scores of this forest are between {:.3} \
                 and {:.3}",
                forest.threshold(),
                named.dir.display(),
                forest.lowest_score(),
                forest.highest_score(),
            ));
        }
        model = model.outliers(forest);
    }
    Ok(model)
}

/// Whether the predictions of an objective are probabilities of classes, or certainties. Margins (`binary:logitraw`)
/// and numbers of classes (`multi:softmax`) are numbers.
fn is_classifier(objective: &str) -> bool {
    matches!(objective, "binary:logistic" | "binary:hinge" | "multi:softprob")
}

/// A detector of this project's making, or of Python's.
fn drift(
    dir: &ModelDir,
    context: &LoadContext,
    p_values: PValues,
) -> Result<Box<dyn DriftDetector>, Error> {
    let detector = if SavedModel::is_in(dir) {
        AlibiModel::load(dir, context)?.detector()?
    } else {
        AlibiDrift::from(TabularDrift::load(dir, context)?)
    };
    // Answers say nothing of effect sizes.
    let detector = detector.without_effects();
    Ok(match p_values {
        PValues::Exact => Box::new(detector.exact()),
        PValues::Alibi => Box::new(detector),
    })
}

fn part<T>(
    part: &'static str,
    Named { dir, .. }: &Named,
    load: impl FnOnce(&ModelDir) -> Result<T, Error>,
) -> Result<T, Error> {
    let loaded = ModelDir::open(dir).map_err(Error::from).and_then(|dir| load(&dir));
    loaded.map_err(|source| Error::Part { part, dir: dir.clone(), source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_make_a_classifier() {
        for (objective, expected) in [
            ("binary:logistic", true),
            ("binary:hinge", true),
            ("multi:softprob", true),
            ("binary:logitraw", false),
            ("multi:softmax", false),
            ("reg:squarederror", false),
            ("count:poisson", false),
        ] {
            assert_eq!(is_classifier(objective), expected, "{objective}");
        }
    }
}
