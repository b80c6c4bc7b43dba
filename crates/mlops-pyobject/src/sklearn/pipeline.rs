use mlops_core::{Schema, StandardScaler};

use super::Preprocessing;
use super::column_transformer::{self, is_identity};
use super::standard_scaler::{BYTES_PER_COLUMN, Scaling};
use crate::path::shown;
use crate::{Error, Object};

/// A scikit-learn `Pipeline`: preprocessing that is understood, and a last step that the caller
/// reads.
///
/// # Examples
/// ```
/// use mlops_pyobject::sklearn::Pipeline;
/// use mlops_pyobject::{Limits, read};
///
/// // A model that stands alone is a pipeline without preprocessing.
/// let graph = read(b"csklearn.ensemble._iforest\nIsolationForest\n)\x81.", &Limits::default())?;
/// let pipeline = Pipeline::read(&graph.root())?;
/// assert_eq!(pipeline.preprocessing, None);
/// assert!(pipeline.estimator.is_instance("sklearn.ensemble", "IsolationForest"));
/// # Ok::<(), mlops_pyobject::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pipeline<'g> {
    /// The names of the columns that the first step was fitted to, if these had some.
    pub feature_names: Option<Vec<String>>,
    /// What the steps before the last do to a row; `None` if they leave it as it is.
    pub preprocessing: Option<Preprocessing>,
    /// The last step.
    pub estimator: Object<'g>,
}

impl<'g> Pipeline<'g> {
    /// Reads an instance of `Pipeline`; any other object is taken for a pipeline of one step.
    ///
    /// The steps before the last may be `StandardScaler`s, `ColumnTransformer`s of them with
    /// `passthrough` and `drop`, `FunctionTransformer`s without a function, and `passthrough`.
    ///
    /// # Errors
    /// * [`Error::Unexpected`] with the name of the class if a step is none of these
    /// * [`Error::MissingAttribute`] if a step was never fitted
    /// * [`Error::Invalid`] if the parts of a step or two steps do not belong together
    /// * [`Error::LimitExceeded`] if there are more columns than the size of the file explains
    pub fn read(object: &Object<'g>) -> Result<Self, Error> {
        if !object.is_instance("sklearn.pipeline", "Pipeline") {
            let feature_names = feature_names(object)?;
            return Ok(Self { feature_names, preprocessing: None, estimator: object.clone() });
        }
        let steps = object.attribute("steps")?;
        let items = steps.items()?;
        let (last, transformers) =
            items.split_last().ok_or_else(|| steps.invalid("has no steps"))?;
        let mut names = None;
        let mut preprocessing: Option<Preprocessing> = None;
        for step in transformers {
            let step = step.item(1)?;
            let Some(next) = transformer(&step)? else { continue };
            preprocessing = match preprocessing {
                Some(previous) if previous.n_outputs() != next.n_inputs() => {
                    return Err(step.invalid("was fitted to another number of columns"));
                }
                Some(previous) => Some(previous.then(next)),
                None => {
                    names = feature_names(&step)?;
                    Some(next)
                }
            };
        }
        let estimator = last.item(1)?;
        if preprocessing.is_none() {
            names = feature_names(&estimator)?;
        }
        Ok(Self { feature_names: names, preprocessing, estimator })
    }

    /// Checks that rows of `schema` are what the pipeline was fitted to, and that the model in it,
    /// which was fitted to `n_columns`, sees as many.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if there are not as many columns
    /// * [`Error::ColumnName`] if the pipeline knows the names of its columns and they are others, or
    ///   in another order
    pub fn check(&self, schema: &Schema, n_columns: usize) -> Result<(), Error> {
        let (n_inputs, n_outputs) = match &self.preprocessing {
            Some(preprocessing) => (preprocessing.n_inputs(), preprocessing.n_outputs()),
            None => (n_columns, n_columns),
        };
        for (got, expected) in [(n_inputs, schema.len()), (n_columns, n_outputs)] {
            if got != expected {
                return Err(Error::ColumnCount { got, expected });
            }
        }
        let mut pairs = self.feature_names.iter().flatten().zip(schema.names());
        match pairs.find(|(got, expected)| got != expected) {
            Some((got, expected)) => {
                Err(Error::ColumnName { got: shown(got), expected: expected.to_owned() })
            }
            None => Ok(()),
        }
    }
}

/// The names of the columns that an instance was fitted to, if these had some.
pub(super) fn feature_names(object: &Object<'_>) -> Result<Option<Vec<String>>, Error> {
    let names = object.find_attribute("feature_names_in_")?;
    names.map(|names| names.array()?.texts()).transpose()
}

/// Reads a step that is not the last; one that changes nothing is `None`.
fn transformer(object: &Object<'_>) -> Result<Option<Preprocessing>, Error> {
    if is_identity(object)? {
        return Ok(None);
    }
    if object.is_instance("sklearn.compose", "ColumnTransformer") {
        return column_transformer::read(object).map(Some);
    }
    if object.is_instance("sklearn.preprocessing", "StandardScaler") {
        let Scaling { mean, scale } = Scaling::read(object)?;
        object.graph().charge_copy(mean.len() * BYTES_PER_COLUMN)?;
        let scaler = StandardScaler::from_parts(&mean, &scale)
            .map_err(|_| object.invalid("has a mean or scale that is no number"))?;
        return Ok(Some(Preprocessing::from(scaler)));
    }
    Err(object.unexpected("a `ColumnTransformer` or `StandardScaler`"))
}
