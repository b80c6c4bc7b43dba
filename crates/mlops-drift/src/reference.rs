use mlops_core::{DriftStatus, DriftTest, FeatureDrift};
use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::empirical::EmpiricalDistribution;
use crate::test::chi_squared::{ChiSquaredOutcome, chi_squared_homogeneity};
use crate::test::ks::{self, KsOutcome};

/// What batches are compared with: the distribution of each feature, in schema order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    pub(crate) features: Vec<FeatureReference>,
}

/// The distribution of one feature.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "StoredFeature", into = "StoredFeature")]
pub(crate) struct FeatureReference {
    feature: String,
    scale: Scale,
    distribution: EmpiricalDistribution,
    n_missing: usize,
}

/// How features are tested: by the function of their scale, given the reference first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tests {
    pub(crate) numeric: fn(&EmpiricalDistribution, &EmpiricalDistribution) -> KsOutcome,
    /// The counts of both samples, category by category.
    pub(crate) categorical: fn(&[u64], &[u64]) -> Result<ChiSquaredOutcome, Error>,
}

/// What the values of a feature mean to each other.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scale {
    /// They have an order.
    Numeric,
    /// They are equal or not.
    Categorical,
}

impl Reference {
    /// Takes rows of values of the features called `names`, of which `scales` says what they are.
    pub(crate) fn fit<'n>(
        names: impl IntoIterator<Item = &'n str>,
        scales: &[Scale],
        values: ArrayView2<'_, f64>,
    ) -> Self {
        let columns = names.into_iter().zip(values.columns()).zip(scales);
        let features = columns
            .map(|((feature, column), &scale)| {
                let distribution = distribution(column);
                let n_missing = column.len() - distribution.size();
                FeatureReference { feature: feature.to_owned(), scale, distribution, n_missing }
            })
            .collect();
        Self { features }
    }

    /// Tests each feature of a batch with the columns of the reference.
    ///
    /// # Errors
    /// [`Error::TooManyCounts`] if reference and batch are too large together.
    pub(crate) fn test(
        &self,
        values: ArrayView2<'_, f64>,
        tests: Tests,
    ) -> Result<Vec<FeatureDrift>, Error> {
        let columns = self.features.iter().zip(values.columns());
        columns.map(|(feature, column)| feature.test(column, tests)).collect()
    }
}

impl Tests {
    /// The tests with exact p-values wherever that can be computed.
    pub(crate) const EXACT: Self =
        Self { numeric: ks::compare, categorical: chi_squared_homogeneity };
}

impl FeatureReference {
    pub(crate) fn feature(&self) -> &str {
        &self.feature
    }

    /// The distinct values of the reference, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        self.distribution.values()
    }

    /// Tests the values of a batch.
    fn test(&self, column: ArrayView1<'_, f64>, tests: Tests) -> Result<FeatureDrift, Error> {
        let batch = distribution(column);
        let test = match self.scale {
            Scale::Numeric => DriftTest::KolmogorovSmirnov,
            Scale::Categorical => DriftTest::ChiSquared,
        };
        let drift = if self.distribution.size() == 0 {
            FeatureDrift::untested(&self.feature, test, DriftStatus::EmptyReference)
        } else if batch.size() == 0 {
            FeatureDrift::untested(&self.feature, test, DriftStatus::AllMissing)
        } else {
            let (statistic, p_value, method) = match self.scale {
                Scale::Numeric => {
                    let outcome = (tests.numeric)(&self.distribution, &batch);
                    (outcome.statistic, outcome.p_value, outcome.method)
                }
                Scale::Categorical => {
                    let (reference, batch) = counts_by_category(&self.distribution, &batch);
                    let outcome = (tests.categorical)(&reference, &batch)?;
                    (outcome.statistic, outcome.p_value, outcome.method)
                }
            };
            FeatureDrift::tested(&self.feature, test, statistic, p_value, method)
        };
        Ok(drift.with_counts(batch.size(), column.len() - batch.size()))
    }
}

/// A feature as it is stored.
#[derive(Deserialize, Serialize)]
struct StoredFeature {
    feature: String,
    scale: Scale,
    n_missing: usize,
    values: Vec<f64>,
    counts: Vec<usize>,
}

impl TryFrom<StoredFeature> for FeatureReference {
    type Error = Error;

    fn try_from(stored: StoredFeature) -> Result<Self, Error> {
        let StoredFeature { feature, scale, n_missing, values, counts } = stored;
        match EmpiricalDistribution::from_counts(values, &counts) {
            Some(distribution) => Ok(Self { feature, scale, distribution, n_missing }),
            None => Err(Error::InvalidReference { feature }),
        }
    }
}

impl From<FeatureReference> for StoredFeature {
    fn from(reference: FeatureReference) -> Self {
        Self {
            counts: reference.distribution.counts().collect(),
            values: reference.distribution.values().to_vec(),
            feature: reference.feature,
            scale: reference.scale,
            n_missing: reference.n_missing,
        }
    }
}

/// The values that are not missing.
fn distribution(column: ArrayView1<'_, f64>) -> EmpiricalDistribution {
    EmpiricalDistribution::new(column.iter().copied().filter(|value| !value.is_nan()).collect())
}

/// The counts of each category of the reference and then of each that is new in the batch.
///
/// New categories are not thrown together: which ones are new depends on the labels, and a test
/// whose cells depend on the labels does not keep its level.
fn counts_by_category(
    reference: &EmpiricalDistribution,
    batch: &EmpiricalDistribution,
) -> (Vec<u64>, Vec<u64>) {
    let mut reference_counts: Vec<u64> = reference.counts().map(|count| count as u64).collect();
    let mut batch_counts = vec![0; reference_counts.len()];
    for (value, count) in batch.values().iter().zip(batch.counts()) {
        match reference.values().binary_search_by(|known| known.total_cmp(value)) {
            Ok(category) => batch_counts[category] = count as u64,
            Err(_) => batch_counts.push(count as u64),
        }
    }
    reference_counts.resize(batch_counts.len(), 0);
    (reference_counts, batch_counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> EmpiricalDistribution {
        EmpiricalDistribution::new(values.to_vec())
    }

    #[test]
    fn each_new_category_has_a_cell_of_its_own() {
        let reference = sample(&[1.0, 1.0, 3.0]);
        let batch = sample(&[3.0, 2.0, 4.0, 4.0]);
        let expected = (vec![2, 1, 0, 0], vec![0, 1, 1, 2]);
        assert_eq!(counts_by_category(&reference, &batch), expected);
    }

    #[test]
    fn a_stored_feature_is_checked() {
        let json = |values: &str, counts: &str| {
            format!(
                r#"{{"feature":"pH","scale":"numeric","n_missing":0,"values":{values},"counts":{counts}}}"#
            )
        };
        let read = |json: String| serde_json::from_str::<FeatureReference>(&json);
        let reference = read(json("[2.9,3.5]", "[1,2]")).unwrap();
        assert_eq!(reference.distribution, sample(&[3.5, 2.9, 3.5]));
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
