use std::sync::{Arc, OnceLock};

use mlops_core::{OutlierDetector, PredictError, Reason, Records, Schema};
use mlops_pyobject::sklearn::Preprocessing;

use crate::explain::Attribution;
use crate::path_lengths::PathLengths;
use crate::training_scores::TrainingScores;
use crate::tree::Tree;
use crate::{Error, IsolationForestParams};

/// An outlier detector that scores how few random splits isolate a row (Liu, Ting and Zhou 2008),
/// fitted here or by Python.
///
/// ```text
/// score(x) = 2^(-E[h(x)] / c(psi)) + offset,  in (-0.5, 0.5] with the usual offset of -0.5
/// ```
///
/// Here `h(x)` is the number of splits between the root of a tree and the leaf of `x`, plus
/// `c(n)` for the `n` training rows of that leaf; `psi` is the number of training rows per tree,
/// and `c(n)` the average `h` in a random tree of `n` rows. Higher is more abnormal. A row with a score
/// of 0 is isolated as soon as a row of a random tree is on average; most training rows score below.
/// It is minus the `decision_function` of scikit-learn, and the `instance_score` of
/// alibi-detect.
///
/// # Forests that are fitted here
/// Columns are centred and scaled in 64 bits, and then rounded to 32. A large offset does not swallow
/// small differences, and a column of tiny numbers is split like any other; scikit-learn, which
/// rounds first and takes a spread below 1e-7 for none, loses both. A column is constant in a node
/// if its smallest value is its largest after rounding. The value of a categorical feature is the
/// position of its level.
///
/// In training, a missing value (NaN) has no part in the range that a split is drawn from, and it
/// goes to the side with more of the rows that have a value, right if there are as many. So does a
/// missing value that is scored: it neither fails nor counts as abnormal by itself.
///
/// # Forests of Python
/// They are read from MLflow's `sklearn` flavor, or by [`from_sklearn`](Self::from_sklearn):
/// `sklearn.ensemble.IsolationForest` of version 0.24 to 1.9 or alibi-detect's `IForest` of version
/// 0.8 to 0.13, by itself or behind the preprocessing of a `Pipeline`, as pickle or skops file.
/// Nothing of the file is executed.
///
/// # The threshold
/// A row is an outlier if its score is above the threshold. One that is set or fitted here tells rows
/// apart, or is refused. One that comes with a file is used as it is: alibi-detect takes any number,
/// also one that no score can exceed; see [`is_threshold_reachable`](Self::is_threshold_reachable).
///
/// # Accuracy
/// The sum of path lengths has the bits of scikit-learn's for the same trees, whatever the number
/// of rows in a batch or of threads that score; the score differs by at most one unit in the last
/// place, before the offset is added.
#[derive(Clone, Debug)]
pub struct IsolationForest {
    schema: Arc<Schema>,
    // What happens to a row before it is rounded to 32 bits.
    preprocessing: Option<Preprocessing>,
    trees: Vec<Tree>,
    max_samples: usize,
    path_lengths: PathLengths,
    offset: f64,
    threshold: f64,
    training_scores: Option<TrainingScores>,
    // Made when the first row is explained.
    attribution: OnceLock<Result<Attribution, Error>>,
}

/// What an [`IsolationForest`] is made of.
pub(crate) struct Parts {
    pub(crate) schema: Arc<Schema>,
    pub(crate) preprocessing: Option<Preprocessing>,
    pub(crate) trees: Vec<Tree>,
    pub(crate) max_samples: usize,
    pub(crate) offset: f64,
    pub(crate) threshold: f64,
    pub(crate) training_scores: Option<TrainingScores>,
}

/// What is added to the anomaly score, so that 0 is the average of random trees: scikit-learn's default
/// `offset_`.
pub(crate) const OFFSET: f64 = -0.5;

impl IsolationForest {
    /// The parameters to fit a forest with: 100 trees of 256 rows, seed 0, and the threshold of the
    /// paper.
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

    /// Compiles the trees. The columns of the schema are those that the preprocessing takes.
    pub(crate) fn new(parts: Parts) -> Result<Self, Error> {
        let Parts { schema, preprocessing, trees, max_samples, offset, threshold, training_scores } =
            parts;
        let n_prepared = n_prepared(&schema, preprocessing.as_ref());
        let path_lengths = PathLengths::new(n_prepared, &trees, max_samples)?;
        let attribution = OnceLock::new();
        Ok(Self {
            schema,
            preprocessing,
            trees,
            max_samples,
            path_lengths,
            offset,
            threshold,
            training_scores,
            attribution,
        })
    }

    /// The features that the forest reads, in their order.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The number of trees.
    pub fn n_estimators(&self) -> usize {
        self.trees.len()
    }

    /// The number of training rows that each tree was grown from.
    pub fn max_samples(&self) -> usize {
        self.max_samples
    }

    /// What is added to the anomaly score, scikit-learn's `offset_`: -0.5 for every forest that is
    /// fitted here.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    pub(crate) fn preprocessing(&self) -> Option<&Preprocessing> {
        self.preprocessing.as_ref()
    }

    pub(crate) fn trees(&self) -> &[Tree] {
        &self.trees
    }

    pub(crate) fn path_lengths(&self) -> &PathLengths {
        &self.path_lengths
    }

    pub(crate) fn training_scores(&self) -> Option<&TrainingScores> {
        self.training_scores.as_ref()
    }

    /// The same forest with another threshold, which is not checked.
    pub(crate) fn replace_threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    pub(crate) fn replace_training_scores(self, scores: Option<TrainingScores>) -> Self {
        Self { training_scores: scores, ..self }
    }

    /// What the features of a row contribute; made for the first row and kept.
    pub(crate) fn attribution(&self) -> Result<&Attribution, Error> {
        let made = self.attribution.get_or_init(|| Attribution::new(self));
        made.as_ref().map_err(Clone::clone)
    }

    /// The number of values that the trees see of a row.
    pub(crate) fn n_prepared(&self) -> usize {
        n_prepared(&self.schema, self.preprocessing.as_ref())
    }

    /// Puts what the trees compare into the place of `prepared`.
    pub(crate) fn prepare(&self, row: &[f64], prepared: &mut Vec<f64>) {
        if let Some(preprocessing) = &self.preprocessing {
            preprocessing.transform_row_into(row, prepared);
        } else {
            prepared.clear();
            prepared.extend_from_slice(row);
        }
    }
}

impl OutlierDetector for IsolationForest {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }

    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        self.scores_by(records, |sum| self.instance_score(sum))
    }

    /// The level of the quantile of the training scores that `score` is, interpolated linearly, in
    /// percent; of equal scores the highest. Known to a forest that was calibrated.
    fn percentile(&self, score: f64) -> Option<f64> {
        Some(self.training_scores.as_ref()?.percentile(score))
    }

    /// The features that make each row abnormal: those with positive contributions, at most five.
    ///
    /// Contributions are those of [`Explainer`](mlops_core::Explainer).
    fn reasons(&self, records: &Records) -> Result<Vec<Vec<Reason>>, PredictError> {
        self.reasons_of(records)
    }
}

fn n_prepared(schema: &Schema, preprocessing: Option<&Preprocessing>) -> usize {
    preprocessing.map_or(schema.len(), Preprocessing::n_outputs)
}
