use mlops_core::StandardScaler;

use super::Preprocessing;
use super::column_transformer::{self, is_identity};
use super::standard_scaler::Scaling;
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
    pub fn read(object: &Object<'g>) -> Result<Self, Error> {
        if !object.is_instance("sklearn.pipeline", "Pipeline") {
            return Ok(Self { preprocessing: None, estimator: object.clone() });
        }
        let steps = object.attribute("steps")?;
        let items = steps.items()?;
        let (last, transformers) =
            items.split_last().ok_or_else(|| steps.invalid("has no steps"))?;
        let mut preprocessing: Option<Preprocessing> = None;
        for step in transformers {
            let step = step.item(1)?;
            let Some(next) = transformer(&step)? else { continue };
            preprocessing = match preprocessing {
                Some(previous) if previous.n_outputs() != next.n_inputs() => {
                    return Err(step.invalid("was fitted to another number of columns"));
                }
                Some(previous) => Some(previous.then(next)),
                None => Some(next),
            };
        }
        Ok(Self { preprocessing, estimator: last.item(1)? })
    }
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
        let scaler = StandardScaler::from_parts(&mean, &scale)
            .map_err(|_| object.invalid("has a mean or scale that is no number"))?;
        return Ok(Some(Preprocessing::new(mean.len(), (0..mean.len()).collect(), scaler)));
    }
    Err(object.unexpected("a `ColumnTransformer` or `StandardScaler`"))
}
