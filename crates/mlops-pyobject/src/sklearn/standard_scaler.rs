use super::MAX_COLUMNS;
use crate::{Error, Object};

/// The means and scales of the columns of a `StandardScaler`, as many of one as of the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Scaling {
    pub(super) mean: Vec<f64>,
    pub(super) scale: Vec<f64>,
}

impl Scaling {
    /// Leaves `n_columns` as they are: subtracting 0 and dividing by 1 changes no bit.
    pub(super) fn identity(n_columns: usize) -> Self {
        Self { mean: vec![0.0; n_columns], scale: vec![1.0; n_columns] }
    }

    /// Reads an instance of `StandardScaler`.
    pub(super) fn read(object: &Object<'_>) -> Result<Self, Error> {
        let fitted = |flag, name| {
            let is_used = object.attribute(flag)?.boolean()?;
            is_used.then(|| object.attribute(name)?.array()?.floats()).transpose()
        };
        let (mean, scale) = (fitted("with_mean", "mean_")?, fitted("with_std", "scale_")?);
        let (mean, scale) = match (mean, scale) {
            (Some(mean), Some(scale)) => (mean, scale),
            (Some(mean), None) => {
                let n_columns = mean.len();
                (mean, vec![1.0; n_columns])
            }
            (None, Some(scale)) => (vec![0.0; scale.len()], scale),
            (None, None) => {
                let n_columns = n_features(object)?;
                // No data stand for them.
                object.graph().charge_copy(n_columns * BYTES_PER_COLUMN)?;
                let identity = Self::identity(n_columns);
                (identity.mean, identity.scale)
            }
        };
        if mean.len() != scale.len() || mean.len() > MAX_COLUMNS {
            return Err(object.invalid("has not one mean and one scale per column"));
        }
        Ok(Self { mean, scale })
    }

    pub(super) fn n_columns(&self) -> usize {
        self.mean.len()
    }

    pub(super) fn append(&mut self, other: Self) {
        self.mean.extend(other.mean);
        self.scale.extend(other.scale);
    }
}

/// What a column of a scaler takes: a mean, a scale and a position, twice.
pub(super) const BYTES_PER_COLUMN: usize = 48;

/// The number of columns that an instance was fitted to.
pub(super) fn n_features(object: &Object<'_>) -> Result<usize, Error> {
    // The second name is that of versions before 0.24.
    let n_features = match object.find_attribute("n_features_in_")? {
        Some(n_features) => n_features,
        None => object.attribute("_n_features")?,
    };
    let count = n_features.count()?;
    if count > MAX_COLUMNS {
        return Err(n_features.invalid("is more columns than a table has"));
    }
    Ok(count)
}
