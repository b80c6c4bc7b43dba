mod drift;

use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

pub use drift::{
    Correction, DriftReport, DriftStatus, DriftTest, EffectSizes, FeatureDrift, MissingDrift,
    PValueMethod,
};

/// What a model predicts: rows x outputs.
///
/// The outputs are the model's own: one probability for a binary classifier, one value for a regression.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The predicted values, one row per record and one column per output.
    pub values: Array2<f64>,
}

impl Prediction {
    /// The predicted values, one row per record and one column per output.
    pub fn new(values: Array2<f64>) -> Self {
        Self { values }
    }

    /// A prediction with one output per row.
    pub fn single(values: Vec<f64>) -> Self {
        Self { values: ndarray::Array1::from_vec(values).insert_axis(ndarray::Axis(1)) }
    }

    /// The first output of every row.
    pub fn first(&self) -> impl ExactSizeIterator<Item = f64> {
        self.values.column(0).to_vec().into_iter()
    }
}

/// What each feature contributes to the outputs of every row: base value and contributions add up to the output.
///
/// Outputs are in the units in which they are additive, such as log-odds; the model says which.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contributions {
    /// What each output would be without knowing the row.
    pub base_values: Vec<f64>,
    /// Rows x outputs x features.
    pub values: Array3<f64>,
}

impl Contributions {
    /// The base value of each output, and rows x outputs x features.
    pub fn new(base_values: Vec<f64>, values: Array3<f64>) -> Self {
        Self { base_values, values }
    }
}

/// How abnormal every row of a batch is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutlierReport {
    /// A row is an outlier if its score is above this.
    pub threshold: f64,
    /// One score per row; higher is more abnormal.
    pub scores: Vec<f64>,
}

impl OutlierReport {
    /// The scores of a batch and the threshold that they are held against.
    pub fn new(threshold: f64, scores: Vec<f64>) -> Self {
        Self { threshold, scores }
    }

    /// Whether each row is an outlier: its score is above the threshold.
    pub fn is_outlier(&self) -> impl ExactSizeIterator<Item = bool> {
        self.scores.iter().map(|score| *score > self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_on_the_threshold_is_no_outlier() {
        let report = OutlierReport::new(0.1, vec![0.0, 0.1, 0.2, f64::NAN]);
        assert_eq!(report.is_outlier().collect::<Vec<_>>(), [false, false, true, false]);
    }
}
