use std::sync::Arc;

use mlops_core::{OutlierDetector, PredictError, Records, Schema, StandardScaler};

use crate::score::{PathLengths, Scorer};
use crate::tree::Tree;
use crate::{Error, IsolationForestParams, Threshold};

/// An outlier detector that scores how few random splits isolate a row (Liu, Ting and Zhou 2008).
///
/// ```text
/// score(x) = 2^(-E[h(x)] / c(psi)) - 1/2,  in (-0.5, 0.5]
/// ```
///
/// Here `h(x)` is the number of splits between the root of a tree and the leaf of `x`, plus
/// `c(n)` for the `n` training rows of that leaf; `psi` is the number of training rows per tree,
/// and `c(n)` the average `h` in a random tree of `n` rows. A score of 0 is average, higher is more
/// abnormal. It is minus the `decision_function` of scikit-learn with its default offset, and the
/// `instance_score` of alibi-detect.
///
/// # Columns
/// Columns are standardised in 64 bits, by mean and deviation of the training rows, and then
/// rounded to 32. A large offset does not swallow small differences, and a column of tiny numbers
/// is split like any other; scikit-learn, which rounds first and takes a spread below 1e-7 for
/// none, loses both. A column is constant in a node if its smallest value is its largest after
/// rounding. The value of a categorical feature is the position of its level.
///
/// # Missing values
/// In training, a missing value (NaN) has no part in the range that a split is drawn from, and it
/// goes to the side with more of the rows that have a value, right if there are as many. So does a
/// missing value that is scored: it neither fails nor counts as abnormal by itself.
///
/// # Accuracy
/// The sum of path lengths has the bits of scikit-learn's for the same trees, whatever the number
/// of rows in a batch or of threads that score; the score differs by at most one unit in the last
/// place.
#[derive(Clone, Debug)]
pub struct IsolationForest {
    schema: Arc<Schema>,
    trees: Vec<Tree>,
    max_samples: usize,
    scorer: Scorer,
    // Invariant: below the highest score.
    threshold: Threshold,
}

impl IsolationForest {
    /// The parameters to fit a forest with: 100 trees of 256 rows, seed 0, contamination 0.01.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, OutlierDetector, Records, Schema};
    /// use mlops_outlier::IsolationForest;
    /// use ndarray::Array2;
    ///
    /// // A grid of 400 points.
    /// let schema = Schema::new(vec![Feature::numeric("x"), Feature::numeric("y")])?;
    /// let grid = Array2::from_shape_fn((400, 2), |(row, column)| match column {
    ///     0 => (row / 20) as f64,
    ///     _ => (row % 20) as f64,
    /// });
    /// let records = Records::new(Arc::new(schema), grid)?;
    /// let forest = IsolationForest::params().seed(7).fit(&records)?;
    /// let scores = forest.score(&records)?;
    /// assert!(scores[0] > scores[210], "a corner is isolated sooner than the middle");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn params() -> IsolationForestParams {
        IsolationForestParams::default()
    }

    /// The forest of `trees` with the threshold that `threshold` finds with the help of the scorer.
    pub(crate) fn new(
        schema: Arc<Schema>,
        scaler: StandardScaler,
        trees: Vec<Tree>,
        max_samples: usize,
        threshold: impl FnOnce(&Scorer) -> Result<f64, Error>,
    ) -> Result<Self, Error> {
        let path_lengths = PathLengths::new(schema.len(), &trees, max_samples)?;
        let scorer = Scorer::new(scaler, path_lengths);
        let threshold = reachable(Threshold::new(threshold(&scorer)?)?, &scorer)?;
        Ok(Self { schema, trees, max_samples, scorer, threshold })
    }

    /// The same forest with another threshold.
    ///
    /// # Errors
    /// * [`Error::UnreachableThreshold`] if the threshold is not below
    ///   [`highest_score`](Self::highest_score)
    pub fn with_threshold(self, threshold: Threshold) -> Result<Self, Error> {
        let threshold = reachable(threshold, &self.scorer)?;
        Ok(Self { threshold, ..self })
    }

    /// An upper bound of the scores of all rows there can be, in `[0, 0.5]`.
    ///
    /// It is the score of a row that ends in the shallowest leaf of every tree, if there is one.
    pub fn highest_score(&self) -> f64 {
        self.scorer.highest()
    }

    /// The number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// The number of training rows that each tree was grown from.
    pub fn max_samples(&self) -> usize {
        self.max_samples
    }

    pub(crate) fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    pub(crate) fn trees(&self) -> &[Tree] {
        &self.trees
    }
}

impl OutlierDetector for IsolationForest {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn threshold(&self) -> f64 {
        self.threshold.value()
    }

    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        records.check_schema(&self.schema)?;
        Ok(self.scorer.scores(records))
    }
}

fn reachable(threshold: Threshold, scorer: &Scorer) -> Result<Threshold, Error> {
    let highest = scorer.highest();
    if threshold.value() < highest {
        Ok(threshold)
    } else {
        Err(Error::UnreachableThreshold { threshold: threshold.value(), highest })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use mlops_core::{OutlierDetectorExt, PredictErrorKind};
    use ndarray::array;

    use super::*;
    use crate::Contamination;
    use crate::testing::{normal, records};

    #[test]
    fn contamination_is_the_share_of_training_rows_that_are_outliers() {
        let records = records(normal(1000, 3, 1));
        for (contamination, n_outliers) in [(0.01, 10), (0.1, 100), (0.5, 500)] {
            let contamination = Contamination::new(contamination).unwrap();
            let forest = IsolationForest::params().contamination(contamination).fit(&records);
            let report = forest.unwrap().detect(&records).unwrap();
            assert_eq!(report.is_outlier().filter(|outlier| *outlier).count(), n_outliers);
        }
    }

    #[test]
    fn a_threshold_that_no_row_can_exceed_is_refused() {
        let forest =
            IsolationForest::params().n_trees(20).fit(&records(normal(100, 2, 1))).unwrap();
        let highest = forest.highest_score();
        assert!((0.0..0.5).contains(&highest), "{highest}");
        let just_below = Threshold::new(highest.next_down()).unwrap();
        let forest = forest.with_threshold(just_below).unwrap();
        assert_eq!(forest.threshold(), just_below.value());
        let unreachable = Threshold::new(highest).unwrap();
        assert_eq!(
            forest.with_threshold(unreachable).unwrap_err(),
            Error::UnreachableThreshold { threshold: highest, highest }
        );
    }

    #[test]
    fn records_of_another_schema_are_refused() {
        let forest = IsolationForest::params().n_trees(2).fit(&records(normal(100, 2, 1))).unwrap();
        let error = forest.score(&records(array![[1.0, 2.0, 3.0]])).unwrap_err();
        assert_eq!(error.kind(), PredictErrorKind::SchemaMismatch);
    }

    #[test]
    fn threads_share_a_forest_and_agree() {
        let training = records(normal(1000, 3, 1));
        let forest = IsolationForest::params().n_trees(20).fit(&training).unwrap();
        let expected = forest.score(&training).unwrap();
        thread::scope(|scope| {
            let workers: Vec<_> =
                (0..4).map(|_| scope.spawn(|| forest.score(&training).unwrap())).collect();
            for worker in workers {
                assert_eq!(worker.join().unwrap(), expected);
            }
        });
    }
}
