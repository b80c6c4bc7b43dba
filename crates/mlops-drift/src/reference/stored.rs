use serde::{Deserialize, Serialize};

use super::{FeatureReference, Scale};
use crate::Error;
use crate::counts::MOST_COUNTED;
use crate::empirical::EmpiricalDistribution;

/// A feature as it is stored.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    feature: String,
    scale: Scale,
    n_missing: usize,
    values: Vec<f64>,
    counts: Vec<usize>,
}

impl TryFrom<Stored> for FeatureReference {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { feature, scale, n_missing, values, counts } = stored;
        let distribution = EmpiricalDistribution::from_counts(values, &counts);
        // A batch must find room beside it.
        let is_small = |size: usize| {
            size.checked_add(n_missing).is_some_and(|n_rows| n_rows as u64 <= MOST_COUNTED / 2)
        };
        match distribution.filter(|distribution| is_small(distribution.size())) {
            Some(distribution) => Ok(Self::new(feature.into(), scale, distribution, n_missing)),
            None => Err(Error::InvalidReference { feature }),
        }
    }
}

impl From<FeatureReference> for Stored {
    fn from(reference: FeatureReference) -> Self {
        Self {
            feature: reference.name().to_owned(),
            scale: reference.scale(),
            n_missing: reference.n_missing(),
            values: reference.values().to_vec(),
            counts: reference.counts().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_feature_is_checked() {
        let json = |values: &str, counts: &str| {
            format!(
                r#"{{"feature":"pH","scale":"numeric","n_missing":0,"values":{values},"counts":{counts}}}"#
            )
        };
        let read = |json: String| serde_json::from_str::<FeatureReference>(&json);
        let reference = read(json("[2.9,3.5]", "[1,2]")).unwrap();
        assert_eq!(reference.values(), [2.9, 3.5]);
        assert_eq!(reference.counts().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(serde_json::to_string(&reference).unwrap(), json("[2.9,3.5]", "[1,2]"));
        for (values, counts) in [("[3.5,2.9]", "[1,1]"), ("[2.9]", "[0]"), ("[2.9]", "[]")] {
            let error = read(json(values, counts)).unwrap_err().to_string();
            assert!(error.contains("stored values of feature `pH`"), "{error}");
        }
        for (values, counts) in [("[1e999]", "[1]"), ("[null]", "[1]"), ("[2.9]", "[-1]")] {
            read(json(values, counts)).unwrap_err();
        }
    }
}
