mod builder;
mod csv;
mod error;
mod header;
mod json;
mod limits;

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::{Error, PredictError, Schema};

pub use builder::{RecordsBuilder, Stop};
pub use error::{RecordsError, Violation, ViolationCode};
pub use header::Header;
pub use limits::RecordsLimits;

/// Rows of feature values in the order of a schema; NaN is a missing value.
///
/// A categorical value is the position of its level. Every other value is finite in 32-bit arithmetic, which is what
/// tree models compute in.
#[derive(Clone, Debug)]
pub struct Records {
    schema: Arc<Schema>,
    // Invariant: row-major, one column per feature, NaN or finite as f32.
    values: Array2<f64>,
}

impl Records {
    /// Takes a matrix of rows x features.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if the matrix does not have one column per feature
    /// * [`Error::NotFinite`] if a value is infinite, also after rounding to 32 bits
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, Records, Schema};
    /// use ndarray::array;
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol"), Feature::numeric("pH")])?);
    /// let records = Records::new(schema, array![[9.4, 3.51], [9.8, f64::NAN]])?;
    /// assert_eq!(records.n_rows(), 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new(schema: Arc<Schema>, values: Array2<f64>) -> Result<Self, Error> {
        if values.ncols() != schema.len() {
            return Err(Error::ColumnCount { got: values.ncols(), expected: schema.len() });
        }
        let values = if values.is_standard_layout() {
            values
        } else {
            values.as_standard_layout().into_owned()
        };
        for ((row, column), &value) in values.indexed_iter() {
            if !value.is_nan() && !is_finite_f32(value) {
                let feature = schema.features()[column].name().to_owned();
                return Err(Error::NotFinite { row, feature });
            }
        }
        Ok(Self { schema, values })
    }

    /// Reads a JSON array of objects, one per row, straight into the matrix.
    ///
    /// Every feature of the schema must stand in every row; the order of keys is free, `null` is a missing value.
    ///
    /// # Errors
    /// * [`RecordsError::MalformedJson`] if the bytes are not JSON
    /// * [`RecordsError::TooManyRows`] above the limit
    /// * [`RecordsError::Invalid`] with every row and field that does not fit the schema
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, RecordsLimits, Records, Schema};
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol"), Feature::integer("is_red")])?);
    /// let body = br#"[{"is_red": 1, "alcohol": 9.4}, {"alcohol": null, "is_red": 0}]"#;
    /// let records = Records::from_json(&schema, body, RecordsLimits::default())?;
    /// assert_eq!(records.row(0).to_vec(), [9.4, 1.0]);
    /// assert!(records.row(1)[0].is_nan());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(
        schema: &Arc<Schema>,
        body: &[u8],
        limits: RecordsLimits,
    ) -> Result<Self, RecordsError> {
        RecordsBuilder::new(schema, limits).read_json(body)
    }

    /// Reads CSV as RFC 4180 describes it: a line with the names of the schema, in any order, and a line for each row.
    ///
    /// An empty value is missing, and so is `NaN`, `NA` or `null`, unless it is a level of the feature. Spaces around numbers
    /// and lines without any character are passed over.
    ///
    /// # Errors
    /// * [`RecordsError::MalformedCsv`] if a quote is left open or the bytes are not UTF-8
    /// * [`RecordsError::TooManyRows`] above the limit
    /// * [`RecordsError::Invalid`] with every row and field that does not fit the schema
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, Records, RecordsLimits, Schema};
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol"), Feature::integer("is_red")])?);
    /// let body = b"is_red,alcohol\n1,9.4\n0,\n";
    /// let records = Records::from_csv(&schema, body, RecordsLimits::default())?;
    /// assert_eq!(records.row(0).to_vec(), [9.4, 1.0]);
    /// assert!(records.row(1)[0].is_nan());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_csv(
        schema: &Arc<Schema>,
        body: &[u8],
        limits: RecordsLimits,
    ) -> Result<Self, RecordsError> {
        RecordsBuilder::new(schema, limits).read_csv(body)
    }

    /// Takes values whose invariants the caller has established.
    pub(crate) fn from_checked(schema: Arc<Schema>, values: Array2<f64>) -> Self {
        Self { schema, values }
    }

    /// The schema of the columns.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Whether the records can be given to a model that reads `schema`: the columns mean the same.
    ///
    /// # Errors
    /// [`PredictError`] if they do not.
    pub fn check_schema(&self, schema: &Arc<Schema>) -> Result<(), PredictError> {
        let is_same = Arc::ptr_eq(&self.schema, schema) || self.schema.has_columns_of(schema);
        if is_same { Ok(()) } else { Err(PredictError::schema_mismatch()) }
    }

    /// The values, rows x features.
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.values.nrows()
    }

    /// The values of one row, in schema order.
    ///
    /// # Panics
    /// If there is no such row.
    #[track_caller]
    pub fn row(&self, row: usize) -> ArrayView1<'_, f64> {
        self.values.row(row)
    }

    /// The rows as slices, in schema order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.as_slice().unwrap_or(&[]).chunks_exact(self.schema.len())
    }

    /// The values of one feature.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn column(&self, column: usize) -> ArrayView1<'_, f64> {
        self.values.column(column)
    }

    /// The rows at `indices`, in this order; an index may stand several times.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    #[track_caller]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self { schema: Arc::clone(&self.schema), values: self.values.select(Axis(0), indices) }
    }
}

/// Whether `value` stays finite when it is rounded to 32 bits.
pub(crate) fn is_finite_f32(value: f64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits is the question")]
    let rounded = value as f32;
    rounded.is_finite()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::Feature;

    fn schema() -> Arc<Schema> {
        Arc::new(Schema::new(vec![Feature::numeric("alcohol"), Feature::numeric("pH")]).unwrap())
    }

    #[test]
    fn a_matrix_must_fit_the_schema() {
        let narrow = Array2::zeros((3, 1));
        assert_eq!(
            Records::new(schema(), narrow).unwrap_err(),
            Error::ColumnCount { got: 1, expected: 2 }
        );
        let large = array![[1.0, 2.0], [1.0, 1e39]];
        let expected = Error::NotFinite { row: 1, feature: "pH".to_owned() };
        assert_eq!(Records::new(schema(), large).unwrap_err(), expected);
    }

    #[test]
    fn rows_are_slices_whatever_the_layout_was() {
        let columns_first = array![[1.0, 3.0], [2.0, 4.0]].reversed_axes();
        let records = Records::new(schema(), columns_first).unwrap();
        assert_eq!(records.rows().collect::<Vec<_>>(), [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(records.select(&[1, 1]).column(0).to_vec(), [3.0, 3.0]);
    }
}
