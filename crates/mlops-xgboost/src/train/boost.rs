use std::collections::BTreeMap;

use mlops_core::Random;
use ndarray::Array2;

use super::binned::Binned;
use super::early_stopping::EarlyStopping;
use super::grow::grow;
use super::histogram::Gradient;
use super::{Dataset, Params};
use crate::booster::Parts;
use crate::ensemble::{Ensemble, TreeEnsemble};
use crate::objective::{Objective, logit, sigmoid};
use crate::tree::{NodeKind, Tree};
use crate::{Booster, Error};

/// A trained booster and how training went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Training {
    /// The booster; with early stopping, its trees end with the best round.
    pub booster: Booster,
    /// The validation metric after each round, also of rounds after the best one; empty without validation rows.
    pub validation: Vec<f64>,
    /// The round with the best validation metric, counted from 0, if early stopping was asked for.
    pub best_iteration: Option<usize>,
}

/// Hessians below this are raised to it, as in XGBoost.
const MIN_HESSIAN: f32 = 1e-16;

pub(super) fn boost(
    params: &Params,
    train: &Dataset<'_>,
    validation: Option<&Dataset<'_>>,
) -> Result<Training, Error> {
    let binned = Binned::new(&train.values, params.max_bin);
    let base_score = train.positive_share();
    let mut margins = vec![logit(base_score); train.n_rows()];
    let mut held_out = validation.map(|validation| vec![logit(base_score); validation.n_rows()]);
    let mut stopping = EarlyStopping::new(params.eval_metric, params.early_stopping_rounds);
    let mut trees = Vec::new();
    for round in 0..params.rounds {
        let mut random = Random::stream(params.seed, round as u64);
        let mut rows = sample_rows(params.subsample, train.n_rows(), &mut random);
        let features = sample_features(params.colsample_bytree, binned.n_features(), &mut random);
        let tree = grow(params, &binned, &gradients(&margins, train.labels), &mut rows, &features);
        tree.add_to(&mut margins, &train.values);
        let mut stop = false;
        if let (Some(validation), Some(held_out)) = (validation, &mut held_out) {
            tree.add_to(held_out, &validation.values);
            let probabilities: Vec<f32> = held_out.iter().copied().map(sigmoid).collect();
            stop = stopping
                .should_stop(params.eval_metric.evaluate(&probabilities, validation.labels));
        }
        trees.push(tree);
        if stop {
            break;
        }
    }
    let best_iteration = stopping.best_iteration();
    let validation = stopping.into_values();
    let mut attributes = BTreeMap::new();
    if let Some(best) = best_iteration {
        trees.truncate(best + 1);
        attributes.insert("best_iteration".to_owned(), best.to_string());
        attributes.insert("best_score".to_owned(), validation[best].to_string());
    }
    let booster = Booster::from_parts(Parts {
        n_features: binned.n_features(),
        feature_names: train.feature_names.clone(),
        feature_types: Vec::new(),
        categories: Vec::new(),
        attributes,
        objective: Objective::binary_logistic(),
        base_scores: vec![base_score],
        n_outputs: 1,
        has_classes: false,
        ensemble: Ensemble::Trees(TreeEnsemble::single(trees)),
    })?;
    Ok(Training { booster, validation, best_iteration })
}

/// The derivatives of the log loss by the margin.
fn gradients(margins: &[f32], labels: &[bool]) -> Vec<Gradient> {
    let gradient = |(&margin, &label): (&f32, &bool)| {
        let probability = sigmoid(margin);
        let first = probability - f32::from(u8::from(label));
        let second = (probability * (1.0 - probability)).max(MIN_HESSIAN);
        Gradient { first: first.into(), second: second.into() }
    };
    margins.iter().zip(labels).map(gradient).collect()
}

fn sample_rows(share: f64, n_rows: usize, random: &mut Random) -> Vec<u32> {
    let rows = (0_u32..).take(n_rows);
    if share < 1.0 { rows.filter(|_| random.unit() < share).collect() } else { rows.collect() }
}

fn sample_features(share: f64, n_features: usize, random: &mut Random) -> Vec<usize> {
    let mut features: Vec<usize> = (0..n_features).collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the features"
    )]
    let count = ((n_features as f64 * share) as usize).max(1);
    if count < n_features {
        random.choose(&mut features, count);
        features.truncate(count);
        features.sort_unstable();
    }
    features
}

impl Tree {
    /// Adds to each margin the value of the leaf that its row ends at.
    fn add_to(&self, margins: &mut [f32], values: &Array2<f32>) {
        let mut copy = Vec::new();
        for (margin, row) in margins.iter_mut().zip(values.rows()) {
            copy.clear();
            copy.extend(row);
            if let NodeKind::Leaf { value } = self.leaf(&copy).kind {
                *margin += value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlops_core::{Feature, Records, Schema};

    use super::*;
    use crate::{EvalMetric, roc_auc};

    /// Rows whose label depends on two features together, with missing values in a third.
    fn sample(n_rows: usize, seed: u64) -> (Records, Vec<bool>) {
        let mut random = Random::new(seed);
        let schema = Schema::new(["a", "b", "c"].map(Feature::numeric).into()).unwrap();
        let values = Array2::from_shape_fn((n_rows, 3), |(_, column)| {
            let value = random.unit();
            if column == 2 && value < 0.3 { f64::NAN } else { value }
        });
        let labels =
            values.rows().into_iter().map(|row| (row[0] < 0.5) != (row[1] < 0.4)).collect();
        (Records::new(Arc::new(schema), values).unwrap(), labels)
    }

    #[test]
    fn an_interaction_is_learned() {
        let (train, train_labels) = sample(800, 1);
        let (test, test_labels) = sample(400, 2);
        let training = Params::default()
            .rounds(20)
            .fit(&Dataset::new(&train, &train_labels).unwrap(), None)
            .unwrap();
        let probabilities = training.booster.predict(test.values()).unwrap();
        assert!(roc_auc(&probabilities, &test_labels).unwrap() > 0.98);
        assert_eq!((training.booster.n_trees(), training.validation.len()), (20, 0));
        assert_eq!(training.booster.feature_names(), ["a", "b", "c"]);
    }

    #[test]
    fn the_validation_metric_is_that_of_the_booster_that_is_returned() {
        let (train, train_labels) = sample(300, 3);
        let (test, test_labels) = sample(200, 4);
        let validation = Dataset::new(&test, &test_labels).unwrap();
        let params = Params::default()
            .rounds(200)
            .early_stopping_rounds(5)
            .subsample(0.7)
            .colsample_bytree(0.7);
        for metric in [EvalMetric::LogLoss, EvalMetric::Auc] {
            let params = params.eval_metric(metric);
            let training = params
                .fit(&Dataset::new(&train, &train_labels).unwrap(), Some(&validation))
                .unwrap();
            let best = training.best_iteration.unwrap();
            assert_eq!(training.booster.n_trees(), best + 1);
            let probabilities = training.booster.predict(test.values()).unwrap();
            assert_eq!(metric.evaluate(&probabilities, &test_labels), training.validation[best]);
        }
    }

    #[test]
    fn one_seed_gives_one_booster() {
        let (train, labels) = sample(200, 5);
        let fit = |seed| {
            let params = Params::default().rounds(5).subsample(0.5).seed(seed);
            params.fit(&Dataset::new(&train, &labels).unwrap(), None).unwrap().booster.to_json()
        };
        assert!(fit(1) == fit(1));
        assert!(fit(1) != fit(2));
    }

    #[test]
    fn degenerate_data_is_an_error_or_a_constant() {
        let (records, _) = sample(4, 6);
        let one_class = [true; 4];
        let error =
            Params::default().fit(&Dataset::new(&records, &one_class).unwrap(), None).unwrap_err();
        assert_eq!(error, Error::OneClass);
        assert_eq!(
            Dataset::new(&records, &[true]).unwrap_err(),
            Error::LabelCount { labels: 1, rows: 4 }
        );

        let constant = Records::new(Arc::clone(records.schema()), Array2::zeros((4, 3))).unwrap();
        let labels = [true, false, false, false];
        let training =
            Params::default().fit(&Dataset::new(&constant, &labels).unwrap(), None).unwrap();
        for probability in training.booster.predict(constant.values()).unwrap() {
            assert!((probability - 0.25).abs() < 1e-6);
        }
    }
}
