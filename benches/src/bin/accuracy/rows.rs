use std::error::Error;
use std::sync::Arc;

use mlops_benches::file;
use mlops_core::{Feature, Records, Schema};
use ndarray::{ArrayView2, s};

use crate::peer::Case;

/// The rows of a data set, and which of them are outliers.
#[derive(Debug)]
pub(crate) struct LabelledRows {
    pub(crate) records: Records,
    pub(crate) is_outlier: Vec<bool>,
}

impl LabelledRows {
    /// Reads what the peer has written: row by row, least significant byte first, the label behind each row.
    pub(crate) fn read(case: &Case) -> Result<Self, Box<dyn Error>> {
        let bytes = file(&case.rows);
        let values: Vec<f64> =
            bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let width = case.n_features + 1;
        let values = ArrayView2::from_shape((values.len() / width, width), &values)?;
        let names = (0..case.n_features).map(|column| Feature::numeric(format!("x{column}")));
        let schema = Arc::new(Schema::new(names.collect())?);
        let records = Records::new(schema, values.slice(s![.., ..case.n_features]).to_owned())?;
        let is_outlier = values.column(case.n_features).iter().map(|label| *label == 1.0).collect();
        Ok(Self { records, is_outlier })
    }
}
