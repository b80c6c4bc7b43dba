use std::sync::Arc;

use mlops_core::{LoadContext, LoadModel, ModelDir, ModelError, Schema};
use mlops_pyobject::sklearn::{Pipeline, SavedModel};
use mlops_pyobject::{Graph, Limits, read};

use super::SklearnIsolationForest;
use super::forest::PythonForest;
use crate::Error;
use crate::score::PathLengths;

/// Reads what `mlflow.sklearn` saved. Such a directory rarely says what the columns are: then the
/// context has to.
impl LoadModel for SklearnIsolationForest {
    fn load(dir: &ModelDir, context: &LoadContext) -> Result<Self, ModelError> {
        let saved = SavedModel::read(dir)?;
        let schema =
            context.schema_of(dir)?.ok_or_else(|| saved.malformed(Error::MissingSchema))?;
        Self::from_graph(saved.graph(), schema).map_err(|error| saved.malformed(error))
    }
}

impl SklearnIsolationForest {
    /// Reads a pickle, joblib or skops file; the columns of `schema` are those that the pipeline
    /// or forest was fitted to, in their order.
    ///
    /// # Errors
    /// * [`Error::Python`] if the file cannot be read, or holds something else; classes that are not
    ///   understood are named; also if it was fitted to other columns than those of the schema
    /// * [`Error::NoTrees`] if the forest is empty
    /// * [`Error::ChildOrder`] or [`Error::Forest`] if the trees are none
    pub fn from_bytes(bytes: &[u8], schema: Arc<Schema>) -> Result<Self, Error> {
        Self::from_graph(&read(bytes, &Limits::default())?, schema)
    }

    fn from_graph(graph: &Graph, schema: Arc<Schema>) -> Result<Self, Error> {
        let pipeline = Pipeline::read(&graph.root())?;
        let estimator = &pipeline.estimator;
        let (forest, threshold) = if estimator.is_instance("alibi_detect.od", "IForest") {
            let threshold = estimator.attribute("threshold")?;
            // Without a threshold alibi-detect predicts nothing, and no row is an outlier here.
            let threshold = if threshold.is_none() { f64::INFINITY } else { threshold.float()? };
            (estimator.attribute("isolationforest")?, threshold)
        } else {
            (estimator.clone(), 0.0)
        };
        let PythonForest { trees, max_samples, offset, n_features } = PythonForest::read(&forest)?;
        pipeline.check(&schema, n_features)?;
        let path_lengths = PathLengths::new(n_features, &trees, max_samples)?;
        let preprocessing = pipeline.preprocessing;
        Ok(Self { schema, preprocessing, path_lengths, offset, threshold })
    }
}
