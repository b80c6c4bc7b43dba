//! Random search over the parameters of the booster.

use mlops_core::{Random, Records};
use mlops_xgboost::{Booster, Dataset, Error, Params, Training, roc_auc};

use crate::data::Wines;
use crate::split::Split;

/// What the search chose for one trial; the names are XGBoost's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) max_depth: usize,
    pub(crate) learning_rate: f32,
    pub(crate) reg_alpha: f32,
    pub(crate) reg_lambda: f32,
    pub(crate) min_child_weight: f32,
    pub(crate) seed: u64,
}

impl Candidate {
    /// The `index`-th candidate of a seed; each parameter is drawn evenly on the scale that fits it.
    pub(crate) fn draw(seed: u64, index: usize) -> Self {
        let mut random = Random::stream(seed, index as u64);
        Self {
            max_depth: 4 + random.below(8),
            learning_rate: log_uniform(&mut random, 0.05, 0.3),
            reg_alpha: log_uniform(&mut random, 1e-3, 1.0),
            reg_lambda: log_uniform(&mut random, 1e-2, 10.0),
            min_child_weight: log_uniform(&mut random, 0.5, 8.0),
            seed: random.bits(),
        }
    }

    /// The parameters by name, as they are logged.
    pub(crate) fn named(&self) -> [(&'static str, String); 6] {
        [
            ("max_depth", self.max_depth.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("reg_alpha", self.reg_alpha.to_string()),
            ("reg_lambda", self.reg_lambda.to_string()),
            ("min_child_weight", self.min_child_weight.to_string()),
            ("seed", self.seed.to_string()),
        ]
    }

    fn params(&self) -> Params {
        Booster::params()
            .rounds(500)
            .early_stopping_rounds(30)
            .max_depth(self.max_depth)
            .learning_rate(self.learning_rate)
            .reg_alpha(self.reg_alpha)
            .reg_lambda(self.reg_lambda)
            .min_child_weight(self.min_child_weight)
            .subsample(0.8)
            .colsample_bytree(0.8)
            .seed(self.seed)
    }
}

/// The records and labels of a split's parts.
#[derive(Debug)]
pub(crate) struct Parts {
    train: (Records, Vec<bool>),
    validation: (Records, Vec<bool>),
    test: (Records, Vec<bool>),
}

/// A trained booster and how well it does where models are compared.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) candidate: Candidate,
    pub(crate) training: Training,
    pub(crate) validation_auc: f64,
}

impl Parts {
    pub(crate) fn new(wines: &Wines, split: &Split) -> Result<Self, mlops_core::Error> {
        let schema = wines.schema(&split.train)?;
        let part = |rows: &[usize]| Ok((wines.records(&schema, rows)?, wines.labels(rows)));
        Ok(Self {
            train: part(&split.train)?,
            validation: part(&split.validation)?,
            test: part(&split.test)?,
        })
    }

    pub(crate) fn train(&self) -> &Records {
        &self.train.0
    }

    /// Trains one candidate.
    pub(crate) fn trial(&self, candidate: Candidate) -> Result<Trial, Error> {
        let [train, validation] = [&self.train, &self.validation];
        let train = Dataset::new(&train.0, &train.1)?;
        let held_out = Dataset::new(&validation.0, &validation.1)?;
        let training = candidate.params().fit(&train, &[("validation", &held_out)])?;
        let validation_auc = auc(&training.booster, validation)?;
        Ok(Trial { candidate, training, validation_auc })
    }

    /// The area under the ROC curve on the test rows.
    pub(crate) fn test_auc(&self, booster: &Booster) -> Result<f64, Error> {
        auc(booster, &self.test)
    }
}

fn auc(booster: &Booster, (records, labels): &(Records, Vec<bool>)) -> Result<f64, Error> {
    roc_auc(&booster.predict(records.values())?, labels).ok_or(Error::OneClass)
}

fn log_uniform(random: &mut Random, low: f64, high: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the booster's parameters have 32 bits")]
    let value = (low * (high / low).powf(random.unit())) as f32;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_stay_in_their_ranges_and_follow_from_the_seed() {
        for index in 0..200 {
            let candidate = Candidate::draw(1, index);
            assert!((4..=11).contains(&candidate.max_depth));
            assert!((0.05..=0.3).contains(&candidate.learning_rate));
            assert!((0.5..=8.0).contains(&candidate.min_child_weight));
        }
        assert_eq!(Candidate::draw(1, 3), Candidate::draw(1, 3));
        assert_ne!(Candidate::draw(1, 3), Candidate::draw(2, 3));
    }
}
