//! Isolation forests that scikit-learn fitted, with or without alibi-detect around them.

mod forest;
mod load;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mlops_core::{OutlierDetector, PredictError, Records, Schema};
use mlops_pyobject::sklearn::Preprocessing;

use crate::score::PathLengths;
use crate::threshold::calibrate;
use crate::{Contamination, Error};

/// An isolation forest that Python fitted, with the threshold that its file holds.
///
/// It is read from MLflow's `sklearn` flavor: `sklearn.ensemble.IsolationForest` of version 0.24 to
/// 1.9 or alibi-detect's `IForest` of version 0.8 to 0.13, by itself or behind the preprocessing of
/// a `Pipeline`, as pickle or skops file. Nothing of the file is executed.
///
/// ```text
/// score(x) = 2^(-E[h(x)] / c(psi)) + offset
/// ```
///
/// The score is minus scikit-learn's `decision_function`, which is alibi-detect's `instance_score`:
/// the sum of path lengths has scikit-learn's bits, the score differs by at most one unit in the
/// last place. Features are standardised in 64 bits and then rounded to 32, as in Python.
///
/// # The threshold
/// It is used as it is: alibi-detect's own, or 0 for a forest of scikit-learn's, where `predict`
/// changes its mind. alibi-detect takes any number, also one that no score can exceed; see
/// [`is_threshold_reachable`](Self::is_threshold_reachable) and [`calibrate`](Self::calibrate).
///
/// Most files do not know what their columns are called. Then the schema says so by its order, and two
/// names in each other's place cannot be noticed.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{Feature, OutlierDetectorExt, Records, Schema};
/// use mlops_outlier::SklearnIsolationForest;
/// use ndarray::array;
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/forest.pkl");
/// let pickle = std::fs::read(path)?; // IsolationForest(contamination=0.1, ..) of three columns
/// let names = ["acid", "salt", "sulfur"];
/// let schema = Arc::new(Schema::new(names.map(Feature::numeric).into())?);
/// let forest = SklearnIsolationForest::from_bytes(&pickle, Arc::clone(&schema))?;
///
/// let wines = Records::new(schema, array![[8.0, 0.5, 100.0], [30.0, 2.5, 900.0]])?;
/// let report = forest.detect(&wines)?;
/// assert_eq!(report.is_outlier().collect::<Vec<_>>(), [false, true]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SklearnIsolationForest {
    schema: Arc<Schema>,
    preprocessing: Option<Preprocessing>,
    path_lengths: PathLengths,
    offset: f64,
    threshold: f64,
}

impl SklearnIsolationForest {
    /// The sum of the path lengths of one row, which scikit-learn calls its depths.
    ///
    /// Any values go: what is infinite in 32 bits is so here as in scikit-learn, and NaN is a missing
    /// value.
    ///
    /// # Panics
    /// If the row does not have one value per feature of the schema.
    #[track_caller]
    pub fn depth_sum(&self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.schema.len(), "a row has one value per feature");
        let mut prepared = Vec::new();
        self.prepare(row, &mut prepared);
        self.path_lengths.sum(&prepared)
    }

    /// The score of a row with this sum of path lengths.
    pub fn score_of(&self, depth_sum: f64) -> f64 {
        self.path_lengths.anomaly(depth_sum) + self.offset
    }

    /// A lower bound of the scores of all rows there can be.
    pub fn lowest_score(&self) -> f64 {
        self.path_lengths.lowest_anomaly() + self.offset
    }

    /// An upper bound of the scores of all rows there can be.
    pub fn highest_score(&self) -> f64 {
        self.path_lengths.highest_anomaly() + self.offset
    }

    /// Whether the threshold is below [`highest_score`](Self::highest_score): if not, no row is ever
    /// an outlier.
    pub fn is_threshold_reachable(&self) -> bool {
        self.threshold < self.highest_score()
    }

    /// The same forest with the threshold that a share of `records` exceeds.
    ///
    /// # Errors
    /// * [`Error::NoRows`] without records
    /// * [`Error::SchemaMismatch`] if the records have other columns
    /// * [`Error::UnreachableThreshold`] if more records than that share the highest score
    pub fn calibrate(self, records: &Records, contamination: Contamination) -> Result<Self, Error> {
        let scores = self.score(records).map_err(|_| Error::SchemaMismatch)?;
        let calibrated = Self { threshold: calibrate(scores, contamination)?, ..self };
        if calibrated.is_threshold_reachable() {
            Ok(calibrated)
        } else {
            let (threshold, highest) = (calibrated.threshold, calibrated.highest_score());
            Err(Error::UnreachableThreshold { threshold, highest })
        }
    }

    fn scores(&self, records: &Records, offset: f64) -> Vec<f64> {
        self.path_lengths.scores(records, offset, |row, prepared| self.prepare(row, prepared))
    }

    /// Puts what the trees compare into the place of `prepared`.
    fn prepare(&self, row: &[f64], prepared: &mut Vec<f64>) {
        if let Some(preprocessing) = &self.preprocessing {
            preprocessing.transform_row_into(row, prepared);
        } else {
            prepared.clear();
            prepared.extend_from_slice(row);
        }
    }
}

impl OutlierDetector for SklearnIsolationForest {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }

    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        records.check_schema(&self.schema)?;
        Ok(self.scores(records, self.offset))
    }
}
