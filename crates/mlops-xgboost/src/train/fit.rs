use std::ops::ControlFlow;

use super::boost::{Round, Training, boost};
use super::threads::Threads;
use super::{Dataset, Params, TrainingObjective};
use crate::Error;

impl Params {
    /// Trains a booster on `train`, and evaluates it on the data sets of `evaluate` after every round; each has a name.
    ///
    /// # Errors
    /// * [`Error::Parameter`] if a parameter is out of its range or does not fit the others, or early stopping has nothing
    ///   to evaluate
    /// * [`Error::Label`] if a label is none of the objective
    /// * [`Error::OneClass`] if there is no row at all, or the labels of `train` are all alike and the objective tells
    ///   classes apart
    /// * [`Error::ColumnCount`] if a data set of `evaluate` has another number of features
    pub fn fit(&self, train: &Dataset, evaluate: &[(&str, &Dataset)]) -> Result<Training, Error> {
        self.fit_with(train, evaluate, |_| ControlFlow::Continue(()))
    }

    /// As [`fit`](Self::fit), and tells `on_round` of each round, which may end the training with it.
    ///
    /// # Errors
    /// As those of `fit`.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::{Feature, Records, Schema};
    /// # use ndarray::array;
    /// use std::ops::ControlFlow;
    ///
    /// use mlops_xgboost::{Dataset, EvalMetric, Params};
    ///
    /// # let schema = Arc::new(Schema::new(vec![Feature::numeric("pH")])?);
    /// # let records = Records::new(schema, array![[3.1], [3.2], [3.5], [3.6]])?;
    /// let dataset = Dataset::new(&records, &[false, false, true, true])?;
    /// let params = Params::default().min_child_weight(0.0).eval_metrics([EvalMetric::Auc]);
    /// let training = params.fit_with(&dataset, &[("train", &dataset)], |round| {
    ///     let auc = round.evaluations[0].values[round.index];
    ///     if auc == 1.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// assert_eq!(training.booster.n_trees(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit_with(
        &self,
        train: &Dataset,
        evaluate: &[(&str, &Dataset)],
        on_round: impl FnMut(Round<'_>) -> ControlFlow<()>,
    ) -> Result<Training, Error> {
        self.fit_on(train, evaluate, on_round, Threads::One)
    }

    /// As [`fit`](Self::fit), on the threads of rayon's current pool; the booster is the same.
    ///
    /// Worth while from about twenty thousand rows of a dozen features on; fewer are left to the caller's thread.
    ///
    /// # Errors
    /// As those of `fit`.
    #[cfg(feature = "rayon")]
    pub fn par_fit(
        &self,
        train: &Dataset,
        evaluate: &[(&str, &Dataset)],
    ) -> Result<Training, Error> {
        self.par_fit_with(train, evaluate, |_| ControlFlow::Continue(()))
    }

    /// As [`fit_with`](Self::fit_with), on the threads of rayon's current pool; the booster is the same. `on_round` is
    /// called on the caller's thread.
    ///
    /// # Errors
    /// As those of `fit`.
    #[cfg(feature = "rayon")]
    pub fn par_fit_with(
        &self,
        train: &Dataset,
        evaluate: &[(&str, &Dataset)],
        on_round: impl FnMut(Round<'_>) -> ControlFlow<()>,
    ) -> Result<Training, Error> {
        self.fit_on(train, evaluate, on_round, Threads::Pool)
    }

    fn fit_on(
        &self,
        train: &Dataset,
        evaluate: &[(&str, &Dataset)],
        on_round: impl FnMut(Round<'_>) -> ControlFlow<()>,
        threads: Threads,
    ) -> Result<Training, Error> {
        self.check(train.n_features(), !evaluate.is_empty())?;
        let is_alike = train.labels.windows(2).all(|pair| pair[0] == pair[1]);
        let tells_classes_apart = self.objective != TrainingObjective::SquaredError;
        if train.labels.is_empty() || is_alike && tells_classes_apart {
            return Err(Error::OneClass);
        }
        self.objective.check(&train.labels)?;
        for (_, dataset) in evaluate {
            self.objective.check(&dataset.labels)?;
            let (got, expected) = (dataset.n_features(), train.n_features());
            if got != expected {
                return Err(Error::ColumnCount { got, expected });
            }
        }
        boost(self, train, evaluate, on_round, threads)
    }
}
