use mlops_core::Records;
use ndarray::Array2;

use crate::Error;

/// Rows with their labels, and with weights if they do not all count alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Rows x features, rounded to 32 bits as the trees see them.
    pub(super) values: Array2<f32>,
    pub(super) labels: Vec<f32>,
    pub(super) weights: Option<Vec<f32>>,
    pub(super) feature_names: Vec<String>,
}

impl Dataset {
    /// Takes one label per row of `records`: a class by its number, counted from 0 (or a `bool`), or what a regression
    /// shall predict. NaN is a missing value of a feature.
    ///
    /// # Errors
    /// * [`Error::LabelCount`] if there are more or fewer labels than rows
    /// * [`Error::Label`] if a label is not finite
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::{Feature, Records, Schema};
    /// # use ndarray::array;
    /// use mlops_xgboost::Dataset;
    ///
    /// # let schema = Arc::new(Schema::new(vec![Feature::numeric("pH")])?);
    /// let records = Records::new(schema, array![[3.1], [f64::NAN], [3.4]])?;
    /// let classes = Dataset::new(&records, &[true, false, true])?;
    /// let numbers = Dataset::new(&records, &[0.5_f32, 1.5, -0.5])?.weights(&[1.0, 2.0, 0.5])?;
    /// assert_eq!((classes.n_rows(), numbers.n_rows()), (3, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new<L: Copy + Into<f32>>(records: &Records, labels: &[L]) -> Result<Self, Error> {
        let n_rows = records.n_rows();
        if labels.len() != n_rows {
            return Err(Error::LabelCount { labels: labels.len(), rows: n_rows });
        }
        let labels: Vec<f32> = labels.iter().map(|label| (*label).into()).collect();
        if let Some(row) = labels.iter().position(|label| !label.is_finite()) {
            return Err(Error::Label { row, expected: "a finite number" });
        }
        #[expect(clippy::cast_possible_truncation, reason = "trees compute in 32 bits")]
        let values = records.values().mapv(|value| value as f32);
        let feature_names = records.schema().names().map(str::to_owned).collect();
        Ok(Self { values, labels, weights: None, feature_names })
    }

    /// Lets each row count as often as its weight says, in the trees and in what is evaluated; 1 by default.
    ///
    /// # Errors
    /// * [`Error::WeightCount`] if there are more or fewer weights than rows
    /// * [`Error::Weight`] if a weight is negative or not finite, or if all are 0
    pub fn weights(self, weights: &[f32]) -> Result<Self, Error> {
        if weights.len() != self.n_rows() {
            return Err(Error::WeightCount { weights: weights.len(), rows: self.n_rows() });
        }
        let is_wrong = |weight: &f32| !(weight.is_finite() && *weight >= 0.0);
        let all_zero = !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0);
        match weights.iter().position(is_wrong).or_else(|| all_zero.then_some(0)) {
            Some(row) => Err(Error::Weight { row }),
            None => Ok(Self { weights: Some(weights.to_vec()), ..self }),
        }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.values.nrows()
    }

    /// The number of features.
    pub fn n_features(&self) -> usize {
        self.values.ncols()
    }

    /// The weight of a row.
    pub(super) fn weight(&self, row: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlops_core::{Feature, Schema};
    use ndarray::array;

    use super::*;

    fn records(values: Array2<f64>) -> Records {
        let schema = Schema::new(vec![Feature::numeric("a"), Feature::numeric("b")]).unwrap();
        Records::new(Arc::new(schema), values).unwrap()
    }

    #[test]
    fn labels_and_weights_belong_to_rows() {
        let records = records(array![[1.0, 2.0], [3.0, f64::NAN]]);
        let dataset = Dataset::new(&records, &[1_u8, 0]).unwrap();
        assert_eq!((dataset.n_rows(), dataset.n_features()), (2, 2));
        assert_eq!(Dataset::new(&records, &[true]), Err(Error::LabelCount { labels: 1, rows: 2 }));
        assert_eq!(
            Dataset::new(&records, &[0.0, f32::NAN]),
            Err(Error::Label { row: 1, expected: "a finite number" })
        );
        let weigh = |weights: &[f32]| dataset.clone().weights(weights).map(|_| ());
        assert_eq!(weigh(&[1.0, 0.0]), Ok(()));
        assert_eq!(weigh(&[1.0]), Err(Error::WeightCount { weights: 1, rows: 2 }));
        assert_eq!(weigh(&[1.0, -1.0]), Err(Error::Weight { row: 1 }));
        assert_eq!(weigh(&[0.0, 0.0]), Err(Error::Weight { row: 0 }));
    }
}
