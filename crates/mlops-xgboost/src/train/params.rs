use super::boost::{self, Training};
use super::{Dataset, EvalMetric};
use crate::Error;

/// How to train a booster; the names and defaults are XGBoost's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Params {
    pub(super) rounds: usize,
    pub(super) early_stopping_rounds: Option<usize>,
    pub(super) eval_metric: EvalMetric,
    pub(super) max_depth: usize,
    pub(super) learning_rate: f64,
    pub(super) reg_alpha: f64,
    pub(super) reg_lambda: f64,
    pub(super) min_child_weight: f64,
    pub(super) subsample: f64,
    pub(super) colsample_bytree: f64,
    pub(super) max_bin: usize,
    pub(super) seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rounds: 100,
            early_stopping_rounds: None,
            eval_metric: EvalMetric::LogLoss,
            max_depth: 6,
            learning_rate: 0.3,
            reg_alpha: 0.0,
            reg_lambda: 1.0,
            min_child_weight: 1.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            max_bin: 256,
            seed: 0,
        }
    }
}

impl Params {
    /// The most trees to train; 100 by default.
    pub fn rounds(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// Stops when the validation metric has not improved for so many rounds, and keeps the trees up to the best round.
    pub fn early_stopping_rounds(self, rounds: usize) -> Self {
        Self { early_stopping_rounds: Some(rounds), ..self }
    }

    /// The metric of the validation rows; log loss by default.
    pub fn eval_metric(self, eval_metric: EvalMetric) -> Self {
        Self { eval_metric, ..self }
    }

    /// The most splits between root and leaf, in `1..=30`; 6 by default.
    pub fn max_depth(self, max_depth: usize) -> Self {
        Self { max_depth, ..self }
    }

    /// What each tree's weights are multiplied with, in `(0, 1]`; 0.3 by default.
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }

    /// L1 regularization of the weights, at least 0; 0 by default.
    pub fn reg_alpha(self, reg_alpha: f64) -> Self {
        Self { reg_alpha, ..self }
    }

    /// L2 regularization of the weights, at least 0; 1 by default.
    pub fn reg_lambda(self, reg_lambda: f64) -> Self {
        Self { reg_lambda, ..self }
    }

    /// The least sum of hessians in a child, at least 0; 1 by default.
    pub fn min_child_weight(self, min_child_weight: f64) -> Self {
        Self { min_child_weight, ..self }
    }

    /// The share of rows that each tree sees, in `(0, 1]`; 1 by default.
    pub fn subsample(self, subsample: f64) -> Self {
        Self { subsample, ..self }
    }

    /// The share of features that each tree sees, in `(0, 1]`; 1 by default.
    pub fn colsample_bytree(self, colsample_bytree: f64) -> Self {
        Self { colsample_bytree, ..self }
    }

    /// The most bins that a feature's values are sorted into, in `2..=65536`; 256 by default.
    pub fn max_bin(self, max_bin: usize) -> Self {
        Self { max_bin, ..self }
    }

    /// Decides which rows and features each tree sees; 0 by default. One seed gives one booster, on every machine.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Trains a booster on `train`; with `validation`, reports its metric after every round.
    ///
    /// # Errors
    /// * [`Error::Parameter`] if a parameter is out of its range, or early stopping has no validation rows
    /// * [`Error::OneClass`] if the labels of `train` or `validation` are all alike
    /// * [`Error::ColumnCount`] if `validation` has another number of features
    pub fn fit(
        &self,
        train: &Dataset<'_>,
        validation: Option<&Dataset<'_>>,
    ) -> Result<Training, Error> {
        self.check(validation.is_some())?;
        for dataset in std::iter::once(train).chain(validation) {
            if !dataset.has_both_classes() {
                return Err(Error::OneClass);
            }
            if dataset.values.ncols() != train.values.ncols() {
                return Err(Error::ColumnCount {
                    got: dataset.values.ncols(),
                    expected: train.values.ncols(),
                });
            }
        }
        boost::boost(self, train, validation)
    }

    fn check(&self, has_validation: bool) -> Result<(), Error> {
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let penalty = |value: f64| value >= 0.0 && value.is_finite();
        let (shares, penalties) = ("a number above 0 and at most 1", "a finite number, at least 0");
        for (name, is_valid, expected) in [
            ("num_boost_round", self.rounds > 0, "at least 1"),
            (
                "early_stopping_rounds",
                self.early_stopping_rounds.is_none() || has_validation,
                "validation rows",
            ),
            ("early_stopping_rounds", self.early_stopping_rounds != Some(0), "at least 1"),
            ("max_depth", (1..=30).contains(&self.max_depth), "1 to 30"),
            ("learning_rate", share(self.learning_rate), shares),
            ("reg_alpha", penalty(self.reg_alpha), penalties),
            ("reg_lambda", penalty(self.reg_lambda), penalties),
            ("min_child_weight", penalty(self.min_child_weight), penalties),
            ("subsample", share(self.subsample), shares),
            ("colsample_bytree", share(self.colsample_bytree), shares),
            ("max_bin", (2..=65_536).contains(&self.max_bin), "2 to 65536"),
        ] {
            if !is_valid {
                return Err(Error::Parameter { name, expected });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_named() {
        for (params, name) in [
            (Params::default().rounds(0), "num_boost_round"),
            (Params::default().max_depth(0), "max_depth"),
            (Params::default().learning_rate(f64::NAN), "learning_rate"),
            (Params::default().reg_alpha(-1.0), "reg_alpha"),
            (Params::default().reg_lambda(f64::INFINITY), "reg_lambda"),
            (Params::default().min_child_weight(f64::NAN), "min_child_weight"),
            (Params::default().subsample(0.0), "subsample"),
            (Params::default().colsample_bytree(1.1), "colsample_bytree"),
            (Params::default().max_bin(1), "max_bin"),
            (Params::default().early_stopping_rounds(3), "early_stopping_rounds"),
        ] {
            let Err(Error::Parameter { name: found, .. }) = params.check(false) else {
                panic!("{name} accepted")
            };
            assert_eq!(found, name);
        }
        assert_eq!(Params::default().early_stopping_rounds(3).check(true), Ok(()));
    }
}
