mod drift;
mod monitor;
mod outlier;

use ndarray::{Array2, Array3};

pub use drift::{
    Correction, DriftReport, DriftStatus, DriftTest, EffectSizes, FeatureDrift, MissingDrift,
    PValueMethod,
};
pub use monitor::{Alarm, FeatureStatistic, MonitorSnapshot};
pub use outlier::{OutlierReport, OutlierRow, Reason};

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

/// The class that a classifier decides for in each row, and why.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Classification {
    /// The class of each row, counted from 0; of two classes, 1 is the positive one.
    pub classes: Vec<u32>,
    /// The probability of the positive class, or that of each class.
    pub probabilities: Prediction,
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
