use std::error::Error;
use std::io::Write;

use ndarray::ArrayView2;
use xgboost_rs::{Booster, DMatrix};

/// A booster of `xgboost-rs`, kept from what goes wrong with it: it is never cloned, for that frees memory twice.
pub(crate) struct Binding(Booster);

impl Binding {
    /// # Errors
    /// If XGBoost does not read the model.
    pub(crate) fn new(model: &[u8], ending: &str) -> Result<Self, Box<dyn Error>> {
        // XGBoost 1.6 tells JSON and UBJSON apart by the name of a file.
        let mut file = tempfile::Builder::new().suffix(ending).tempfile()?;
        file.write_all(model)?;
        Ok(Self(Booster::load(file.path())?))
    }

    pub(crate) fn margins(&self, rows: ArrayView2<'_, f32>) -> Result<Vec<f32>, Box<dyn Error>> {
        Ok(self.0.predict_margin(&matrix(rows)?)?)
    }

    pub(crate) fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Vec<f32>, Box<dyn Error>> {
        Ok(self.0.predict(&matrix(rows)?)?)
    }

    pub(crate) fn leaves(&self, rows: ArrayView2<'_, f32>) -> Result<Vec<f32>, Box<dyn Error>> {
        Ok(self.0.predict_leaf(&matrix(rows)?)?.0)
    }
}

/// `DMatrix::from_dense` takes zeros for missing values; this constructor takes strides, and what is missing.
fn matrix(rows: ArrayView2<'_, f32>) -> Result<DMatrix, Box<dyn Error>> {
    let (n_rows, n_columns) = rows.dim();
    let values = rows.to_slice().ok_or("rows that do not stand one after the other")?;
    let width = size_of::<f32>();
    let matrix = DMatrix::from_col_major_f32(
        values,
        width * n_columns,
        width,
        n_rows,
        n_columns,
        1,
        f32::NAN,
    )?;
    Ok(matrix)
}
