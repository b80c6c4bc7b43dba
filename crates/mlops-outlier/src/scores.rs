//! The scores of an isolation forest, under the names that libraries give them.

use mlops_core::{PredictError, Records};

use crate::{IsolationForest, Scratch};

impl IsolationForest {
    /// The sum of the path lengths of each row, which scikit-learn calls its depths.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema.
    pub fn depth_sums(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        self.scores_by(records, |sum| sum)
    }

    /// The anomaly score of each row, in `(0, 1]`, higher for more abnormal ones: that of the paper. It is
    /// 0 where it is too small for 64 bits, on ways a thousand times as long as those of random trees.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema.
    pub fn anomaly_scores(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        self.scores_by(records, |sum| self.anomaly_score(sum))
    }

    /// Minus the anomaly score of each row, in `[-1, 0)`: scikit-learn's `score_samples`.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema.
    pub fn score_samples(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        self.scores_by(records, |sum| -self.anomaly_score(sum))
    }

    /// Minus the [score](mlops_core::OutlierDetector::score) of each row: scikit-learn's `decision_function`,
    /// which is lower for more abnormal rows.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema.
    pub fn decision_function(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        self.scores_by(records, |sum| -self.instance_score(sum))
    }

    /// Puts the [score](mlops_core::OutlierDetector::score) of each row in the place of `scores`; takes no memory
    /// once `scratch` and `scores` have enough.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema.
    pub fn score_into(
        &self,
        records: &Records,
        scratch: &mut Scratch,
        scores: &mut Vec<f64>,
    ) -> Result<(), PredictError> {
        records.check_schema(self.schema())?;
        scores.clear();
        scores.resize(records.n_rows(), 0.0);
        self.fill(records.rows(), scratch, scores, |sum| self.instance_score(sum));
        Ok(())
    }

    /// The sum of the path lengths of one row; takes no memory once `scratch` has enough.
    ///
    /// Any values go: what is infinite in 32 bits is so here as in scikit-learn, and NaN is a missing
    /// value.
    ///
    /// # Panics
    /// If the row does not have one value per feature of the schema.
    #[track_caller]
    pub fn depth_sum(&self, row: &[f64], scratch: &mut Scratch) -> f64 {
        assert_eq!(row.len(), self.schema().len(), "a row has one value per feature");
        let mut sums = [0.0];
        self.fill([row].into_iter(), scratch, &mut sums, |sum| sum);
        let [sum] = sums;
        sum
    }

    /// The anomaly score of a row with this sum of path lengths.
    pub fn anomaly_score(&self, depth_sum: f64) -> f64 {
        self.path_lengths().anomaly(depth_sum)
    }

    /// The [score](mlops_core::OutlierDetector::score) of a row with this sum of path lengths: alibi-detect's
    /// `instance_score`.
    pub fn instance_score(&self, depth_sum: f64) -> f64 {
        self.anomaly_score(depth_sum) + self.offset()
    }

    /// As [`score`](mlops_core::OutlierDetector::score), on the threads of rayon's current pool; the bits are the
    /// same.
    ///
    /// Worth while from about a thousand rows on.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema.
    #[cfg(feature = "rayon")]
    pub fn par_score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        use rayon::iter::{IndexedParallelIterator, ParallelIterator};
        use rayon::slice::{ParallelSlice, ParallelSliceMut};

        /// How many rows a task takes: some tenth of a millisecond.
        const TASK: usize = 256;
        records.check_schema(self.schema())?;
        let width = self.schema().len();
        let values = records.values();
        let values = values.as_slice().unwrap_or_default();
        let mut scores = vec![0.0; records.n_rows()];
        scores.par_chunks_mut(TASK).zip(values.par_chunks(TASK * width)).for_each_init(
            Scratch::default,
            |scratch, (scores, rows)| {
                let rows = rows.chunks_exact(width);
                self.fill(rows, scratch, scores, |sum| self.instance_score(sum));
            },
        );
        Ok(scores)
    }

    /// What `score` makes of the sum of the path lengths of each row.
    pub(crate) fn scores_by(
        &self,
        records: &Records,
        score: impl Fn(f64) -> f64,
    ) -> Result<Vec<f64>, PredictError> {
        records.check_schema(self.schema())?;
        let mut scores = vec![0.0; records.n_rows()];
        Scratch::lend(|scratch| self.fill(records.rows(), scratch, &mut scores, score));
        Ok(scores)
    }

    /// Puts what `score` makes of the sum of the path lengths of each row where 0 stands.
    fn fill<'r>(
        &self,
        rows: impl ExactSizeIterator<Item = &'r [f64]>,
        scratch: &mut Scratch,
        scores: &mut [f64],
        score: impl Fn(f64) -> f64,
    ) {
        let prepare = |row: &[f64], prepared: &mut Vec<f64>| self.prepare(row, prepared);
        self.path_lengths().sum_into(rows, prepare, scratch, scores);
        for place in scores {
            *place = score(*place);
        }
    }
}
