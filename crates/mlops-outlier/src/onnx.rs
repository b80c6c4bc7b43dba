//! Forests as ONNX models.

mod ensemble;
mod graph;
mod proto;
#[cfg(test)]
mod tests;
mod threshold;

use mlops_core::{
    Feature, ModelDirWriter, ModelError, OutlierDetector, SaveModel, Schema, Signature, TensorSpec,
};
use serde_json::json;

use self::ensemble::Prepared;
use self::graph::{Forest, IS_OUTLIER, SCORE};
use crate::{Error, IsolationForest};

const FILE: &str = "model.onnx";

/// An isolation forest as an ONNX model, for ONNX Runtime and for MLflow's flavor `onnx`; made by
/// [`IsolationForest::onnx`].
///
/// | | name | type | shape | |
/// |---|---|---|---|---|
/// | input | `input` | float | rows x columns | the columns of the schema in its order, raw; NaN is a missing value, a category the position of its level |
/// | output | `score` | float | rows x 1 | [`OutlierDetector::score`] |
/// | output | `is_outlier` | int64 | rows x 1 | 1 if the score is above the threshold, else 0 |
///
/// A row of 32-bit numbers ends in the same leaf of every tree as here: scaling is not left to 32-bit arithmetic,
/// but worked into the thresholds beforehand. Its score differs by less than 1e-7 with the usual offset, whatever the
/// number of trees, and `is_outlier` may differ only where score and threshold are as close as that; a row whose score
/// *is* the threshold is no outlier in either, unless rounding to 32 bits parts the two. A row of other numbers is rounded to 32 bits first, by MLflow without a word.
///
/// The operators are those of opset 17 and `ai.onnx.ml` 3, which ONNX Runtime knows since version 1.12; tested with
/// 1.15 to 1.32.
///
/// # As a model directory
/// [`ModelDir::create`](mlops_core::ModelDir::create) writes all that the forest itself writes, so that
/// [`IsolationForest`] is read from the same directory, and with it `model.onnx`, the flavors `onnx` and
/// `python_function`, and the files by which MLflow sets up an environment. In Python,
///
/// ```python
/// mlflow.pyfunc.load_model("model").predict(data_frame)  # a frame of `score` and `is_outlier`
/// ```
///
/// finds the columns by name. The signature says `double` for every one, whatever the schema says: MLflow takes no
/// missing value in a column of integers. Nor does it turn integers of 64 bits into `double` by itself
/// (`data_frame.astype(float)` does), but for zeros and ones.
#[derive(Clone, Debug)]
pub struct OnnxForest {
    forest: IsolationForest,
    model: Vec<u8>,
}

impl OnnxForest {
    /// The content of a `.onnx` file.
    pub fn bytes(&self) -> &[u8] {
        &self.model
    }
}

impl IsolationForest {
    /// The forest as an ONNX model.
    ///
    /// # Errors
    /// * [`Error::NotSeparable`] if the trees tell values apart that are the same number in 32 bits, such as 1e9 and
    ///   1e9 + 1: for ONNX Runtime, they would be another forest
    /// * [`Error::TooLarge`] if the file would have more than 2 GiB
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, ModelDir, Records, Schema};
    /// use mlops_outlier::IsolationForest;
    /// use ndarray::Array2;
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("x")])?);
    /// let values = Array2::from_shape_fn((1000, 1), |(row, _)| (row as f64).sin());
    /// let forest = IsolationForest::params().fit(&Records::new(schema, values)?)?;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let dir = ModelDir::create(folder.path().join("model"), &forest.onnx()?)?;
    /// let flavors = ["mlops_isolation_forest", "onnx", "python_function"];
    /// assert_eq!(dir.flavors().collect::<Vec<_>>(), flavors);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn onnx(&self) -> Result<OnnxForest, Error> {
        let prepared = match self.preprocessing() {
            Some(preprocessing) => Prepared {
                columns: preprocessing.inputs(),
                value: &|feature, value| preprocessing.transform_value(feature, value),
            },
            None => {
                Prepared { columns: (0..self.schema().len()).collect(), value: &|_, value| value }
            }
        };
        let model = graph::encode(&Forest {
            schema: self.schema(),
            prepared,
            trees: self.trees(),
            max_samples: self.max_samples(),
            offset: self.offset(),
            threshold: self.threshold(),
        })?;
        Ok(OnnxForest { forest: self.clone(), model })
    }
}

/// Writes what `mlflow.onnx`, `mlflow.pyfunc` and [`IsolationForest`] load.
impl SaveModel for OnnxForest {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        self.forest.save(dir)?;
        dir.file(FILE, &self.model)?;
        dir.flavor(
            "onnx",
            json!({
                "data": FILE,
                "code": null,
                "onnx_session_options": null,
                // The first version that has these operators.
                "onnx_version": "1.12.0",
                // There are trees on no other.
                "providers": ["CPUExecutionProvider"],
            }),
        );
        dir.python_function(FILE, "mlflow.onnx", &REQUIREMENTS)?;
        let signature =
            signature(self.forest.schema()).map_err(|error| ModelError::malformed(FILE, error))?;
        dir.signature(signature);
        Ok(())
    }
}

/// What MLflow has to know of inputs and outputs.
fn signature(schema: &Schema) -> Result<Signature, mlops_core::Error> {
    let numbers = Schema::new(schema.names().map(Feature::numeric).collect())?;
    let mut signature = Signature::new(&numbers, &TensorSpec::per_row("float32"));
    let output = |name: &str, element_type: &str| {
        let tensor = json!({"dtype": element_type, "shape": [-1, 1]});
        json!({"name": name, "type": "tensor", "tensor-spec": tensor})
    };
    let outputs = json!([output(SCORE, "float32"), output(IS_OUTLIER, "int64")]);
    signature.outputs = Some(outputs.to_string());
    Ok(signature)
}

const REQUIREMENTS: [&str; 3] = ["mlflow>=2.22", "onnx>=1.12", "onnxruntime>=1.15"];
