//! What the boosters are compared with: the random forest of a library, with its own settings.

use mlops_core::Records;
use mlops_xgboost::roc_auc;
use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::error::Failed;
use smartcore::linalg::basic::matrix::DenseMatrix;

use crate::error::Error;
use crate::search::Parts;

const TREES: usize = 100;

/// The area under the ROC curve that it has where candidates are compared. The means of the labels in its leaves are
/// probabilities, which the library's classifier does not tell.
pub(crate) fn random_forest_auc(parts: &Parts, seed: u64) -> Result<f64, Error> {
    let [(train, is_good), (validation, labels)] = parts.of_the_search();
    let targets: Vec<f64> = is_good.iter().map(|is_good| f64::from(u8::from(*is_good))).collect();
    let params = RandomForestRegressorParameters::default().with_n_trees(TREES).with_seed(seed);
    let forest = RandomForestRegressor::fit(&matrix(train)?, &targets, params)?;
    let means: Vec<f64> = forest.predict(&matrix(validation)?)?;
    #[expect(clippy::cast_possible_truncation, reason = "only their order matters")]
    let scores: Vec<f32> = means.into_iter().map(|mean| mean as f32).collect();
    Ok(roc_auc(&scores, labels).ok_or(mlops_xgboost::Error::OneClass)?)
}

fn matrix(records: &Records) -> Result<DenseMatrix<f64>, Failed> {
    let values = records.values();
    DenseMatrix::new(values.nrows(), values.ncols(), values.iter().copied().collect(), false)
}
