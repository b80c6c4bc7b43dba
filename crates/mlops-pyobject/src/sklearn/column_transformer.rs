use mlops_core::StandardScaler;

use super::columns::Columns;
use super::pipeline::feature_names;
use super::standard_scaler::{BYTES_PER_COLUMN, Scaling, n_features};
use super::{MAX_COLUMNS, Preprocessing};
use crate::{Error, Object};

/// Reads an instance of `ColumnTransformer`.
///
/// Its outputs stand in the order of its transformers, the remainder last; columns that no
/// transformer chooses are dropped.
pub(super) fn read(object: &Object<'_>) -> Result<Preprocessing, Error> {
    let n_inputs = n_features(object)?;
    if let Some(weights) = object.find_attribute("transformer_weights")?
        && !weights.is_none()
    {
        return Err(weights.unexpected("`None`, as weights are not supported"));
    }
    let columns = Columns::new(n_inputs, feature_names(object)?.unwrap_or_default());
    let (mut inputs, mut scaling) = (Vec::new(), Scaling::default());
    for entry in object.attribute("transformers_")?.items()? {
        let (transformer, choice) = (entry.item(1)?, entry.item(2)?);
        if transformer.text().is_ok_and(|word| word == "drop") {
            continue;
        }
        let chosen = columns.chosen(&choice)?;
        // A transformer of no columns was never fitted.
        if chosen.is_empty() {
            continue;
        }
        object.graph().charge_copy(chosen.len() * BYTES_PER_COLUMN)?;
        if chosen.len() > MAX_COLUMNS - inputs.len() {
            return Err(object.invalid("has more columns than a table has"));
        }
        let part = if is_identity(&transformer)? {
            Scaling::identity(chosen.len())
        } else if transformer.is_instance("sklearn.preprocessing", "StandardScaler") {
            Scaling::read(&transformer)?
        } else {
            return Err(transformer.unexpected("a `StandardScaler`, `passthrough` or `drop`"));
        };
        if part.n_columns() != chosen.len() {
            return Err(transformer.invalid("was fitted to another number of columns"));
        }
        inputs.extend(chosen);
        scaling.append(part);
    }
    let scaler = StandardScaler::from_parts(&scaling.mean, &scaling.scale)
        .map_err(|_| object.invalid("has a scaler with a mean or scale that is no number"))?;
    Ok(Preprocessing::new(n_inputs, inputs, scaler))
}

/// Whether a transformer leaves its columns as they are: the word `passthrough`, `None`, or a
/// `FunctionTransformer` without a function, which is what newer versions put in its place.
pub(super) fn is_identity(transformer: &Object<'_>) -> Result<bool, Error> {
    if transformer.is_instance("sklearn.preprocessing", "FunctionTransformer") {
        let function = transformer.attribute("func")?;
        if !function.is_none() {
            return Err(function.unexpected("`None`, as functions are not called"));
        }
        return Ok(true);
    }
    Ok(transformer.is_none() || transformer.text().is_ok_and(|word| word == "passthrough"))
}
