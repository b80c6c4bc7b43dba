use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Subtracts each column's mean and divides by its standard deviation, as scikit-learn's `StandardScaler` does.
///
/// ```text
/// x' = (x - mean) / scale        scale = sqrt(sum (x - mean)^2 / n),  1 for a constant column
/// ```
///
/// Missing values (NaN) are left out of mean and deviation and stay missing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Unchecked")]
pub struct StandardScaler {
    // Invariant: finite numbers, no scale is 0.
    columns: Vec<Column>,
}

/// A scaler as it stands in a file.
#[derive(Deserialize)]
struct Unchecked {
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Column {
    mean: f64,
    scale: f64,
}

impl StandardScaler {
    /// Computes mean and deviation of each column of `values`, rows x columns.
    ///
    /// # Errors
    /// * [`Error::NoRows`] if there are no rows
    ///
    /// # Examples
    /// ```
    /// use mlops_core::StandardScaler;
    /// use ndarray::array;
    ///
    /// let scaler = StandardScaler::fit(array![[1.0], [3.0]].view())?;
    /// assert_eq!(scaler.transform(array![[1.0], [2.0]].view()), array![[-1.0], [0.0]]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn fit(values: ArrayView2<'_, f64>) -> Result<Self, Error> {
        if values.nrows() == 0 {
            return Err(Error::NoRows);
        }
        Ok(Self { columns: values.axis_iter(Axis(1)).map(|column| Column::fit(&column)).collect() })
    }

    /// A scaler of columns whose means and scales are known.
    ///
    /// # Errors
    /// * [`Error::ScalerLength`] if there are not as many means as scales
    /// * [`Error::InvalidScale`] if one of them is not finite or a scale is 0
    ///
    /// # Examples
    /// ```
    /// use mlops_core::StandardScaler;
    ///
    /// let scaler = StandardScaler::from_parts(&[2.0, 0.0], &[0.5, 1.0])?;
    /// let mut row = [3.0, 7.0];
    /// scaler.transform_row(&mut row);
    /// assert_eq!(row, [2.0, 7.0]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_parts(mean: &[f64], scale: &[f64]) -> Result<Self, Error> {
        if mean.len() != scale.len() {
            return Err(Error::ScalerLength { means: mean.len(), scales: scale.len() });
        }
        let columns = mean.iter().zip(scale).map(|(&mean, &scale)| Column { mean, scale });
        Self::try_from(Unchecked { columns: columns.collect() })
    }

    /// Scales rows of the columns that the scaler was fitted to.
    ///
    /// # Panics
    /// If `values` has another number of columns.
    #[track_caller]
    pub fn transform(&self, values: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut scaled = values.to_owned();
        for mut row in scaled.rows_mut() {
            self.scale_row(row.iter_mut());
        }
        scaled
    }

    /// Scales one row in place.
    ///
    /// # Panics
    /// If the row does not have one value per column of the scaler.
    #[track_caller]
    pub fn transform_row(&self, row: &mut [f64]) {
        self.scale_row(row.iter_mut());
    }

    /// Scales one value of a column.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn transform_value(&self, column: usize, value: f64) -> f64 {
        self.columns[column].transform(value)
    }

    /// Turns one scaled row back into what it was, up to rounding, in place.
    ///
    /// # Panics
    /// If the row does not have one value per column of the scaler.
    #[track_caller]
    pub fn inverse_transform_row(&self, row: &mut [f64]) {
        assert_eq!(row.len(), self.columns.len(), "a row has one value per column of the scaler");
        for (value, column) in row.iter_mut().zip(&self.columns) {
            *value = *value * column.scale + column.mean;
        }
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    #[track_caller]
    fn scale_row<'v>(&self, row: impl ExactSizeIterator<Item = &'v mut f64>) {
        assert_eq!(row.len(), self.columns.len(), "a row has one value per column of the scaler");
        for (value, column) in row.zip(&self.columns) {
            *value = column.transform(*value);
        }
    }
}

impl TryFrom<Unchecked> for StandardScaler {
    type Error = Error;

    fn try_from(Unchecked { columns }: Unchecked) -> Result<Self, Error> {
        let is_usable = |column: &Column| {
            column.mean.is_finite() && column.scale.is_finite() && column.scale != 0.0
        };
        match columns.iter().position(|column| !is_usable(column)) {
            Some(at) => {
                let Column { mean, scale } = columns[at];
                Err(Error::InvalidScale { column: at, mean, scale })
            }
            None => Ok(Self { columns }),
        }
    }
}

impl Column {
    fn transform(self, value: f64) -> f64 {
        (value - self.mean) / self.scale
    }

    fn fit(values: &ArrayView1<'_, f64>) -> Self {
        let present = values.iter().filter(|value| !value.is_nan());
        let n = present.clone().count() as f64;
        if n == 0.0 {
            return Self { mean: 0.0, scale: 1.0 };
        }
        let mean = present.clone().sum::<f64>() / n;
        let deviation = (present.map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        // The deviation of a constant column is rounding, not spread.
        let constant = deviation <= 10.0 * f64::EPSILON * mean.abs();
        Self { mean, scale: if constant { 1.0 } else { deviation } }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn constant_and_missing_columns_are_centred_and_not_scaled() {
        let values = array![[5.0, f64::NAN, 0.1], [5.0, f64::NAN, 0.1], [5.0, f64::NAN, 0.1]];
        let scaler = StandardScaler::fit(values.view()).unwrap();
        let scaled = scaler.transform(values.view());
        assert_eq!(scaled.column(0).to_vec(), [0.0; 3]);
        assert!(scaled.column(1).iter().all(|value| value.is_nan()));
        assert!(scaled.column(2).iter().all(|value| value.abs() < 1e-15));
    }

    #[test]
    fn missing_values_do_not_count() {
        let scaler = StandardScaler::fit(array![[1.0], [f64::NAN], [3.0]].view()).unwrap();
        let mut row = [3.5];
        scaler.transform_row(&mut row);
        assert_eq!(row, [1.5]);
    }

    #[test]
    fn parts_must_fit_each_other_and_be_usable() {
        let length = Error::ScalerLength { means: 1, scales: 2 };
        assert_eq!(StandardScaler::from_parts(&[0.0], &[1.0, 1.0]), Err(length));
        for (mean, scale) in [(f64::INFINITY, 1.0), (0.0, 0.0), (0.0, -f64::INFINITY)] {
            let error = Error::InvalidScale { column: 1, mean, scale };
            assert_eq!(StandardScaler::from_parts(&[0.0, mean], &[1.0, scale]), Err(error));
        }
        StandardScaler::from_parts(&[f64::NAN], &[1.0]).unwrap_err();
        let stored = r#"{"columns":[{"mean":2.0,"scale":0.0}]}"#;
        serde_json::from_str::<StandardScaler>(stored).unwrap_err();
    }

    #[test]
    fn a_scaled_row_can_be_turned_back() {
        let scaler = StandardScaler::from_parts(&[3.0, f64::MAX], &[-0.5, 1.0]).unwrap();
        let mut row = [1.25, f64::NAN];
        scaler.transform_row(&mut row);
        scaler.inverse_transform_row(&mut row);
        assert_eq!(row[0], 1.25);
        assert!(row[1].is_nan());
    }

    #[test]
    fn a_scaler_needs_rows() {
        assert_eq!(StandardScaler::fit(Array2::zeros((0, 2)).view()), Err(Error::NoRows));
    }
}
