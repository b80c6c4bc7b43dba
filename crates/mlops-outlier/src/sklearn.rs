//! Isolation forests that scikit-learn fitted, with or without alibi-detect around them.

mod forest;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mlops_core::Schema;
use mlops_pyobject::sklearn::Pipeline;
use mlops_pyobject::{Graph, Limits, Object, read};

use self::forest::PythonForest;
use crate::isolation_forest::Parts;
use crate::{Error, IsolationForest};

impl IsolationForest {
    /// Reads a forest of Python from a pickle, joblib or skops file; the columns of `schema` are those
    /// that the pipeline or forest was fitted to, in their order.
    ///
    /// Most files do not know what their columns are called. Then two names in each other's place
    /// cannot be noticed. The threshold is alibi-detect's own, or 0 for a forest of scikit-learn's, where
    /// `predict` changes its mind.
    ///
    /// # Errors
    /// * [`Error::Python`] if the file cannot be read, or holds something else; classes that are not
    ///   understood are named; also if it was fitted to other columns than those of the schema
    /// * [`Error::NoTrees`] if the forest is empty
    /// * [`Error::ChildOrder`], [`Error::InfiniteThreshold`], [`Error::StrayNode`] or [`Error::Forest`] if the
    ///   trees are none
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, OutlierDetectorExt, Records, Schema};
    /// use mlops_outlier::IsolationForest;
    /// use ndarray::array;
    ///
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/forest.pkl");
    /// let pickle = std::fs::read(path)?; // IsolationForest(contamination=0.1, ..) of three columns
    /// let names = ["acid", "salt", "sulfur"];
    /// let schema = Arc::new(Schema::new(names.map(Feature::numeric).into())?);
    /// let forest = IsolationForest::from_sklearn(&pickle, Arc::clone(&schema))?;
    ///
    /// let wines = Records::new(schema, array![[8.0, 0.5, 100.0], [30.0, 2.5, 900.0]])?;
    /// let report = forest.detect(&wines)?;
    /// assert_eq!(report.is_outlier().collect::<Vec<_>>(), [false, true]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_sklearn(bytes: &[u8], schema: Arc<Schema>) -> Result<Self, Error> {
        from_graph(&read(bytes, &Limits::default())?, schema)
    }
}

/// The forest that a file of Python holds.
pub(crate) fn from_graph(graph: &Graph, schema: Arc<Schema>) -> Result<IsolationForest, Error> {
    let pipeline = Pipeline::read(&graph.root())?;
    let estimator = &pipeline.estimator;
    let (forest, threshold) = if estimator.is_instance("alibi_detect.od", "IForest") {
        (estimator.attribute("isolationforest")?, threshold(&estimator.attribute("threshold")?)?)
    } else {
        (estimator.clone(), 0.0)
    };
    let PythonForest { trees, max_samples, offset, n_features } = PythonForest::read(&forest)?;
    pipeline.check(&schema, n_features)?;
    IsolationForest::new(Parts {
        schema,
        preprocessing: pipeline.preprocessing,
        trees,
        max_samples,
        offset,
        threshold,
        training_scores: None,
    })
}

/// A threshold of alibi-detect's: a number, infinite if no score exceeds it.
fn threshold(object: &Object<'_>) -> Result<f64, Error> {
    // Without a threshold alibi-detect predicts nothing, and no row is an outlier here.
    let threshold = if object.is_none() { f64::INFINITY } else { object.float()? };
    if threshold > f64::NEG_INFINITY {
        Ok(threshold)
    } else {
        Err(object.invalid("is no number that scores can be held against").into())
    }
}
