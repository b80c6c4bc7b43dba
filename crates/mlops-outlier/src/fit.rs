mod grow;
mod sampler;
mod scale;
mod subsample;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mlops_core::{OutlierDetector, PredictError, Random, Records, StandardScaler};
use mlops_pyobject::sklearn::Preprocessing;

use self::subsample::Subsample;
use crate::isolation_forest::{OFFSET, Parts};
use crate::tree::Tree;
use crate::{Error, IsolationForest, IsolationForestParams};

impl IsolationForestParams {
    /// Grows the trees and sets the threshold.
    ///
    /// Growing looks at the rows that trees are grown from, and at no more than 1024 others to scale
    /// columns by: it takes as long for a million rows as for some thousands. Only a column in which
    /// all of those are missing is looked through. A [`contamination`](Self::contamination) lets all
    /// rows be scored in addition.
    ///
    /// # Errors
    /// * [`Error::NoRows`] if there are no records
    /// * [`Error::NoTrees`], [`Error::NoSamples`] or [`Error::NoFeatures`] if that parameter is 0
    /// * [`Error::UnreachableThreshold`] if the threshold tells no row from another: all columns are
    ///   constant, or there are fewer than three rows (in all or per tree); more rows than the
    ///   contamination share the highest score, and then a higher one helps; or, without one, every
    ///   row scores above 0, as in columns of a few numbers, and then a contamination helps
    /// * [`Error::Forest`] if there are more nodes than 32-bit indices can tell apart
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, OutlierDetectorExt, Records, Schema};
    /// use mlops_outlier::{Contamination, IsolationForest};
    /// use ndarray::Array2;
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("x")])?);
    /// let values = Array2::from_shape_fn((1000, 1), |(row, _)| (row as f64).sin());
    /// let records = Records::new(schema, values)?;
    /// let params = IsolationForest::params().seed(7).contamination(Contamination::new(0.05)?);
    /// let report = params.fit(&records)?.detect(&records)?;
    /// assert_eq!(report.is_outlier().filter(|outlier| *outlier).count(), 50);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(&self, records: &Records) -> Result<IsolationForest, Error> {
        let grow_all = |scaler: &StandardScaler| {
            let mut subsample = Subsample::new(records, scaler);
            (0..self.n_estimators).map(|tree| self.grow(tree, &mut subsample)).collect()
        };
        self.fit_by(records, grow_all, IsolationForest::score)
    }

    /// As [`fit`](Self::fit), with trees that are grown and rows that are scored on the threads of
    /// rayon's current pool; the forest is the same.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    #[cfg(feature = "rayon")]
    pub fn par_fit(&self, records: &Records) -> Result<IsolationForest, Error> {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};

        let grow_all = |scaler: &StandardScaler| {
            let trees = (0..self.n_estimators).into_par_iter();
            let subsample = || Subsample::new(records, scaler);
            trees.map_init(subsample, |subsample, tree| self.grow(tree, subsample)).collect()
        };
        self.fit_by(records, grow_all, IsolationForest::par_score)
    }

    /// Fits a forest whose trees `grow_all` grows from scaled columns, and which `score` scores by.
    fn fit_by(
        &self,
        records: &Records,
        grow_all: impl FnOnce(&StandardScaler) -> Result<Vec<Tree>, Error>,
        score: impl FnOnce(&IsolationForest, &Records) -> Result<Vec<f64>, PredictError>,
    ) -> Result<IsolationForest, Error> {
        if records.n_rows() == 0 {
            return Err(Error::NoRows);
        }
        if self.n_estimators == 0 {
            return Err(Error::NoTrees);
        }
        if self.max_samples == 0 {
            return Err(Error::NoSamples);
        }
        if self.max_features == 0 {
            return Err(Error::NoFeatures);
        }
        let scaler = scale::fit(records, self.seed);
        let forest = IsolationForest::new(Parts {
            schema: Arc::clone(records.schema()),
            trees: grow_all(&scaler)?,
            preprocessing: Some(Preprocessing::from(scaler)),
            max_samples: self.max_samples.min(records.n_rows()),
            offset: OFFSET,
            threshold: 0.0,
            training_scores: None,
        })?;
        match self.contamination {
            Some(contamination) => {
                let scores = score(&forest, records).map_err(|_| Error::SchemaMismatch)?;
                forest.calibrate_by(scores, contamination)
            }
            // What is average for random trees has an anomaly score of 1/2.
            None => forest.with_threshold(0.0),
        }
    }

    /// Grows the tree at position `tree`.
    fn grow(&self, tree: usize, subsample: &mut Subsample<'_>) -> Result<Tree, Error> {
        let mut random = Random::stream(self.seed, tree as u64);
        let max_samples = self.max_samples.min(subsample.n_rows());
        let columns = subsample.draw(max_samples, self.bootstrap, &mut random);
        let max_depth = self.max_depth.limit(columns.n_rows());
        Tree::new(tree, grow::grow(columns, self.max_features, max_depth, random))
    }
}
