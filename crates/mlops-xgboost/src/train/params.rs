use super::{EvalMetric, TrainingObjective};
use crate::Error;

/// How to train a booster; the names and defaults are XGBoost's, and numbers have its 32 bits.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Params {
    pub(super) objective: TrainingObjective,
    pub(super) rounds: usize,
    pub(super) early_stopping_rounds: Option<usize>,
    pub(super) eval_metrics: Vec<EvalMetric>,
    pub(super) grow_policy: GrowPolicy,
    pub(super) max_depth: usize,
    pub(super) max_leaves: usize,
    pub(super) learning_rate: f32,
    pub(super) gamma: f32,
    pub(super) reg_alpha: f32,
    pub(super) reg_lambda: f32,
    pub(super) min_child_weight: f32,
    pub(super) scale_pos_weight: f32,
    pub(super) subsample: f32,
    pub(super) colsample_bytree: f32,
    pub(super) colsample_bylevel: f32,
    pub(super) colsample_bynode: f32,
    pub(super) monotone: Vec<Monotone>,
    pub(super) max_bin: usize,
    pub(super) seed: u64,
}

/// Which leaf is split next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrowPolicy {
    /// Level by level.
    #[default]
    Depthwise,
    /// The one whose split lowers the loss most.
    Lossguide,
}

/// How predictions may depend on a feature while the others stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Monotone {
    /// In any way.
    #[default]
    No,
    /// They do not fall when it grows.
    Increasing,
    /// They do not grow when it grows.
    Decreasing,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            objective: TrainingObjective::BinaryLogistic,
            rounds: 100,
            early_stopping_rounds: None,
            eval_metrics: Vec::new(),
            grow_policy: GrowPolicy::Depthwise,
            max_depth: 6,
            max_leaves: 0,
            learning_rate: 0.3,
            gamma: 0.0,
            reg_alpha: 0.0,
            reg_lambda: 1.0,
            min_child_weight: 1.0,
            scale_pos_weight: 1.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            colsample_bylevel: 1.0,
            colsample_bynode: 1.0,
            monotone: Vec::new(),
            max_bin: 256,
            seed: 0,
        }
    }
}

impl Params {
    /// What is trained for; `binary:logistic` by default.
    pub fn objective(self, objective: TrainingObjective) -> Self {
        Self { objective, ..self }
    }

    /// The most rounds, each of which trains a tree for every output; 100 by default.
    pub fn rounds(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// Stops when the last metric of the last data set that is evaluated has not improved for so many rounds, and keeps
    /// the trees up to the best round.
    pub fn early_stopping_rounds(self, rounds: usize) -> Self {
        Self { early_stopping_rounds: Some(rounds), ..self }
    }

    /// What is evaluated after every round; by default log loss, the root of the mean squared error, or the log loss of
    /// several classes, as the objective is.
    pub fn eval_metrics(self, metrics: impl Into<Vec<EvalMetric>>) -> Self {
        Self { eval_metrics: metrics.into(), ..self }
    }

    /// Which leaf is split next; level by level by default.
    pub fn grow_policy(self, grow_policy: GrowPolicy) -> Self {
        Self { grow_policy, ..self }
    }

    /// The most splits between root and leaf, up to 512, or 0 for no limit but `max_leaves`; 6 by default.
    pub fn max_depth(self, max_depth: usize) -> Self {
        Self { max_depth, ..self }
    }

    /// The most leaves of a tree, at least 2, or 0 for no limit, which is the default.
    pub fn max_leaves(self, max_leaves: usize) -> Self {
        Self { max_leaves, ..self }
    }

    /// What each tree's weights are multiplied with, in `(0, 1]`; 0.3 by default.
    pub fn learning_rate(self, learning_rate: f32) -> Self {
        Self { learning_rate, ..self }
    }

    /// The least gain of a split (`min_split_loss`), at least 0; 0 by default.
    pub fn gamma(self, gamma: f32) -> Self {
        Self { gamma, ..self }
    }

    /// L1 regularization of the weights, at least 0; 0 by default.
    pub fn reg_alpha(self, reg_alpha: f32) -> Self {
        Self { reg_alpha, ..self }
    }

    /// L2 regularization of the weights, at least 0; 1 by default.
    pub fn reg_lambda(self, reg_lambda: f32) -> Self {
        Self { reg_lambda, ..self }
    }

    /// The least sum of hessians in a child, at least 0; 1 by default.
    pub fn min_child_weight(self, min_child_weight: f32) -> Self {
        Self { min_child_weight, ..self }
    }

    /// What the gradients of rows with label 1 are multiplied with, above 0; 1 by default. Only for `binary:logistic`.
    pub fn scale_pos_weight(self, scale_pos_weight: f32) -> Self {
        Self { scale_pos_weight, ..self }
    }

    /// The share of rows that each tree sees, in `(0, 1]`; 1 by default.
    pub fn subsample(self, subsample: f32) -> Self {
        Self { subsample, ..self }
    }

    /// The share of features that each tree sees, in `(0, 1]`; 1 by default.
    pub fn colsample_bytree(self, colsample_bytree: f32) -> Self {
        Self { colsample_bytree, ..self }
    }

    /// The share of these that each level of a tree sees, in `(0, 1]`; 1 by default.
    pub fn colsample_bylevel(self, colsample_bylevel: f32) -> Self {
        Self { colsample_bylevel, ..self }
    }

    /// The share of these that each node sees, in `(0, 1]`; 1 by default.
    pub fn colsample_bynode(self, colsample_bynode: f32) -> Self {
        Self { colsample_bynode, ..self }
    }

    /// How predictions may depend on each feature, in the order of the features; in any way by default. As in XGBoost,
    /// nothing is promised of what happens between a missing value and others.
    pub fn monotone_constraints(self, monotone: impl Into<Vec<Monotone>>) -> Self {
        Self { monotone: monotone.into(), ..self }
    }

    /// The most bins that a feature's values are sorted into, in `2..=65535`; 256 by default.
    pub fn max_bin(self, max_bin: usize) -> Self {
        Self { max_bin, ..self }
    }

    /// Decides which rows and features each tree sees; 0 by default. One seed gives one booster, on every machine.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// What is evaluated.
    pub(super) fn metrics(&self) -> Vec<EvalMetric> {
        if self.eval_metrics.is_empty() {
            vec![EvalMetric::of(self.objective)]
        } else {
            self.eval_metrics.clone()
        }
    }

    pub(super) fn monotone(&self, feature: usize) -> Monotone {
        self.monotone.get(feature).copied().unwrap_or_default()
    }

    pub(super) fn check(&self, n_features: usize, evaluates: bool) -> Result<(), Error> {
        let share = |value: f32| value > 0.0 && value <= 1.0;
        let penalty = |value: f32| value >= 0.0 && value.is_finite();
        let (shares, penalties) = ("a number above 0 and at most 1", "a finite number, at least 0");
        let fits = |metric: &EvalMetric| metric.fits(self.objective);
        let is_binary = self.objective == TrainingObjective::BinaryLogistic;
        let is_multiple = matches!(self.objective, TrainingObjective::Softprob { .. });
        for (name, is_valid, expected) in [
            ("num_class", !is_multiple || self.objective.n_outputs() > 1, "at least 2"),
            ("num_boost_round", self.rounds > 0, "at least 1"),
            (
                "early_stopping_rounds",
                self.early_stopping_rounds.is_none() || evaluates,
                "a data set to evaluate",
            ),
            ("early_stopping_rounds", self.early_stopping_rounds != Some(0), "at least 1"),
            ("eval_metric", self.eval_metrics.iter().all(fits), "metrics of the objective"),
            ("max_depth", self.max_depth <= 512, "at most 512"),
            ("max_leaves", self.max_leaves != 1, "0, or at least 2"),
            (
                "max_depth",
                self.max_depth > 0 || self.max_leaves > 0,
                "above 0 without `max_leaves`",
            ),
            ("learning_rate", share(self.learning_rate), shares),
            ("gamma", penalty(self.gamma), penalties),
            ("reg_alpha", penalty(self.reg_alpha), penalties),
            ("reg_lambda", penalty(self.reg_lambda), penalties),
            ("min_child_weight", penalty(self.min_child_weight), penalties),
            (
                "scale_pos_weight",
                self.scale_pos_weight == 1.0
                    || is_binary && penalty(self.scale_pos_weight) && self.scale_pos_weight > 0.0,
                "a finite number above 0, and 1 where labels are not 0 and 1",
            ),
            ("subsample", share(self.subsample), shares),
            ("colsample_bytree", share(self.colsample_bytree), shares),
            ("colsample_bylevel", share(self.colsample_bylevel), shares),
            ("colsample_bynode", share(self.colsample_bynode), shares),
            (
                "monotone_constraints",
                self.monotone.is_empty() || self.monotone.len() == n_features,
                "one per feature",
            ),
            ("max_bin", (2..=65_535).contains(&self.max_bin), "2 to 65535"),
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
        let softprob = |n_classes| TrainingObjective::Softprob { n_classes };
        for (params, name) in [
            (Params::default().objective(softprob(1)), "num_class"),
            (Params::default().rounds(0), "num_boost_round"),
            (Params::default().early_stopping_rounds(3), "early_stopping_rounds"),
            (
                Params::default().eval_metrics([EvalMetric::Rmse, EvalMetric::MultiError]),
                "eval_metric",
            ),
            (
                Params::default().objective(softprob(3)).eval_metrics([EvalMetric::Auc]),
                "eval_metric",
            ),
            (Params::default().max_depth(513), "max_depth"),
            (Params::default().max_depth(0), "max_depth"),
            (Params::default().max_leaves(1), "max_leaves"),
            (Params::default().learning_rate(f32::NAN), "learning_rate"),
            (Params::default().gamma(-1.0), "gamma"),
            (Params::default().reg_alpha(-1.0), "reg_alpha"),
            (Params::default().reg_lambda(f32::INFINITY), "reg_lambda"),
            (Params::default().min_child_weight(f32::NAN), "min_child_weight"),
            (Params::default().scale_pos_weight(0.0), "scale_pos_weight"),
            (
                Params::default().objective(TrainingObjective::SquaredError).scale_pos_weight(2.0),
                "scale_pos_weight",
            ),
            (Params::default().subsample(0.0), "subsample"),
            (Params::default().colsample_bytree(1.1), "colsample_bytree"),
            (Params::default().colsample_bylevel(0.0), "colsample_bylevel"),
            (Params::default().colsample_bynode(f32::NAN), "colsample_bynode"),
            (Params::default().monotone_constraints([Monotone::No]), "monotone_constraints"),
            (Params::default().max_bin(1), "max_bin"),
        ] {
            let Err(Error::Parameter { name: found, .. }) = params.check(2, false) else {
                panic!("{name} accepted")
            };
            assert_eq!(found, name);
        }
        assert_eq!(Params::default().early_stopping_rounds(3).check(2, true), Ok(()));
        assert_eq!(Params::default().max_depth(0).max_leaves(8).check(2, true), Ok(()));
    }
}
