use std::sync::Arc;

use mlops_core::{DriftStatus, DriftTest, EffectSizes, FeatureDrift, MissingDrift, PValueMethod};
use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use super::profile::Profile;
use super::stored::Stored;
use crate::counts::Totals;
use crate::distance::{population_stability, total_variation};
use crate::empirical::EmpiricalDistribution;
use crate::pooled::Pooled;
use crate::test::chi_squared::{self, ChiSquaredComparison};
use crate::test::fisher;
use crate::test::ks::{self, KsComparison};
use crate::{Alpha, Alternative, Error};

/// The distribution of one feature.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(crate) struct FeatureReference {
    name: Arc<str>,
    scale: Scale,
    distribution: EmpiricalDistribution,
    n_missing: usize,
    // Invariant: there unless the feature is categorical or has no values.
    profile: Option<Profile>,
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

/// How features are tested: by the function of their scale, given the reference first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tests {
    pub(crate) numeric: KsComparison,
    pub(crate) alternative: Alternative,
    pub(crate) categorical: ChiSquaredComparison,
    /// Whether it is also told how large differences are.
    pub(crate) has_effects: bool,
}

impl Tests {
    /// The tests with exact p-values wherever that can be computed.
    pub(crate) const EXACT: Self = Self {
        numeric: ks::compare,
        alternative: Alternative::TwoSided,
        categorical: chi_squared::compare,
        has_effects: true,
    };
}

impl FeatureReference {
    pub(super) fn new(
        name: Arc<str>,
        scale: Scale,
        distribution: EmpiricalDistribution,
        n_missing: usize,
    ) -> Self {
        let has_profile = scale == Scale::Numeric && distribution.size() > 0;
        let distribution = distribution.indexed();
        let profile = has_profile.then(|| Profile::new(&distribution));
        Self { name, scale, distribution, n_missing, profile }
    }

    pub(super) fn fit(name: &str, scale: Scale, column: ArrayView1<'_, f64>) -> Self {
        let distribution = EmpiricalDistribution::new(present(column).collect());
        let n_missing = column.len() - distribution.size();
        Self::new(name.into(), scale, distribution, n_missing)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn scale(&self) -> Scale {
        self.scale
    }

    pub(super) fn n_missing(&self) -> usize {
        self.n_missing
    }

    /// The distinct values of the reference, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        self.distribution.values()
    }

    /// How often each distinct value stands in the reference.
    pub(super) fn counts(&self) -> impl ExactSizeIterator<Item = usize> {
        self.distribution.counts()
    }

    /// The feature before any test.
    pub(super) fn untested(&self) -> FeatureDrift {
        FeatureDrift::untested(Arc::clone(&self.name), self.test_name(), DriftStatus::EmptyBatch)
    }

    fn test_name(&self) -> DriftTest {
        match self.scale {
            Scale::Numeric => DriftTest::KolmogorovSmirnov,
            Scale::Categorical => DriftTest::ChiSquared,
        }
    }

    /// Tests the values of a batch, and writes what was found into `drift`, which is this feature's.
    pub(super) fn test(
        &self,
        column: ArrayView1<'_, f64>,
        alpha: Alpha,
        tests: Tests,
        memory: &mut Memory,
        drift: &mut FeatureDrift,
    ) -> Result<(), Error> {
        memory.reserve(column.len(), self.values().len(), self.scale);
        memory.batch.refill(present(column));
        let n_values = memory.batch.size();
        drift.test = self.test_name();
        drift.n_values = n_values;
        drift.n_missing = column.len() - n_values;
        drift.missing = self.test_missing(n_values, drift.n_missing)?;
        drift.status = self.status(column.len(), alpha, &memory.batch);
        (drift.statistic, drift.p_value, drift.method) = (None, None, None);
        (drift.effects, drift.n_unseen) = (None, 0);
        if self.distribution.size() == 0 || n_values == 0 {
            return Ok(());
        }
        let tested = match &self.profile {
            Some(profile) => self.test_numbers(profile, tests, memory),
            None => self.test_categories(tests, memory)?,
        };
        drift.statistic = Some(tested.statistic);
        drift.p_value = Some(tested.p_value);
        drift.method = Some(tested.method);
        drift.effects = tested.effects;
        drift.n_unseen = tested.n_unseen;
        Ok(())
    }

    fn status(&self, n_rows: usize, alpha: Alpha, batch: &EmpiricalDistribution) -> DriftStatus {
        let reference = &self.distribution;
        if reference.size() == 0 {
            DriftStatus::EmptyReference
        } else if n_rows == 0 {
            DriftStatus::EmptyBatch
        } else if batch.size() == 0 {
            DriftStatus::AllMissing
        } else if reference.values().len() == 1 && reference.values() == batch.values() {
            DriftStatus::Constant
        } else if least_p_value(reference.size(), batch.size()) >= alpha.value() {
            DriftStatus::TooFewRows
        } else {
            DriftStatus::Tested
        }
    }

    /// Tests whether values are missing as often as in the reference, if any is.
    fn test_missing(
        &self,
        n_values: usize,
        n_missing: usize,
    ) -> Result<Option<MissingDrift>, Error> {
        let n_known = self.distribution.size();
        let (n_reference, n_batch) = (n_known + self.n_missing, n_values + n_missing);
        if self.n_missing + n_missing == 0 || n_reference == 0 || n_batch == 0 {
            return Ok(None);
        }
        let counts = |n_missing: usize, n_known: usize| [n_missing as u64, n_known as u64];
        let outcome = fisher::fisher_exact(
            counts(self.n_missing, n_known),
            counts(n_missing, n_values),
            Alternative::TwoSided,
        )?;
        Ok(Some(MissingDrift::new(
            self.n_missing as f64 / n_reference as f64,
            n_missing as f64 / n_batch as f64,
            outcome.p_value,
        )))
    }

    fn test_numbers(&self, profile: &Profile, tests: Tests, memory: &mut Memory) -> Tested {
        let Memory { batch, stretches, batch_counts, walk, .. } = memory;
        let pooled = Pooled::new(&self.distribution, batch, stretches);
        let comparison = (tests.numeric)(&pooled, tests.alternative, walk);
        let effects = tests.has_effects.then(|| {
            profile.count(&pooled, batch_counts);
            let index = population_stability::index(profile.sizes(), batch_counts);
            EffectSizes::new(ks::distance(&pooled), profile.wasserstein(&pooled), index)
        });
        Tested {
            statistic: comparison.statistic,
            p_value: comparison.p_value,
            method: comparison.method,
            effects,
            n_unseen: outside(&pooled),
        }
    }

    fn test_categories(&self, tests: Tests, memory: &mut Memory) -> Result<Tested, Error> {
        let Memory { batch, reference_counts, batch_counts, chi_squared, .. } = memory;
        let n_unseen = count_by_category(&self.distribution, batch, reference_counts, batch_counts);
        let outcome = (tests.categorical)(reference_counts, batch_counts, chi_squared)?;
        let effects = if tests.has_effects {
            Some(self.category_effects(reference_counts, batch_counts, n_unseen)?)
        } else {
            None
        };
        Ok(Tested {
            statistic: outcome.statistic,
            p_value: outcome.p_value,
            method: outcome.method,
            effects,
            n_unseen: usize::try_from(n_unseen).unwrap_or(usize::MAX),
        })
    }

    /// The distances of counts, of which all new categories become one cell: however many there are, the index stays
    /// comparable.
    fn category_effects(
        &self,
        reference_counts: &mut Vec<u64>,
        batch_counts: &mut Vec<u64>,
        n_unseen: u64,
    ) -> Result<EffectSizes, Error> {
        let totals = Totals::of(reference_counts, batch_counts)?;
        let distance = total_variation::between(reference_counts, batch_counts, totals);
        let n_known = self.values().len();
        reference_counts.truncate(n_known);
        batch_counts.truncate(n_known);
        if n_unseen > 0 {
            reference_counts.push(0);
            batch_counts.push(n_unseen);
        }
        let index = population_stability::index(reference_counts, batch_counts);
        Ok(EffectSizes::new(distance, None, index))
    }
}

/// What the values of a feature were found to be.
#[derive(Clone, Copy, Debug)]
struct Tested {
    statistic: f64,
    p_value: f64,
    method: PValueMethod,
    effects: Option<EffectSizes>,
    n_unseen: usize,
}

/// The values that are not missing.
fn present(column: ArrayView1<'_, f64>) -> impl Iterator<Item = f64> {
    column.into_iter().copied().filter(|value| !value.is_nan())
}

/// The share of one relabelling: no exact p-value of `n` and `m` values is smaller.
fn least_p_value(n: usize, m: usize) -> f64 {
    let (larger, smaller) = (n.max(m), n.min(m));
    let mut share = 1.0;
    for k in 1..=smaller {
        share *= k as f64 / (larger as f64 + k as f64);
        if share < f64::MIN_POSITIVE {
            break;
        }
    }
    share
}

/// The number of batch values that are below or above all of the reference.
fn outside(pooled: &Pooled<'_>) -> usize {
    let (stretches, most) = (pooled.stretches, pooled.reference.values().len());
    // What follows the first stretch has a reference value at or below it, and what begins the
    // last one has none above.
    let n_below = stretches[stretches.partition_point(|stretch| stretch.first == 0) - 1].batch;
    let last = stretches.partition_point(|stretch| stretch.last < most);
    n_below + pooled.batch.size() - stretches[last].batch
}

/// The counts of each category of the reference and then of each that is new in the batch, and how
/// many values of the batch are in new ones.
///
/// New categories are not thrown together: which ones are new depends on the labels, and a test
/// whose cells depend on the labels does not keep its level.
fn count_by_category(
    reference: &EmpiricalDistribution,
    batch: &EmpiricalDistribution,
    reference_counts: &mut Vec<u64>,
    batch_counts: &mut Vec<u64>,
) -> u64 {
    reference_counts.clear();
    batch_counts.clear();
    reference_counts.extend(reference.counts().map(|count| count as u64));
    batch_counts.resize(reference_counts.len(), 0);
    let mut n_unseen = 0;
    for (value, count) in batch.values().iter().zip(batch.counts()) {
        let category = reference.rank(*value);
        if reference.values().get(category) == Some(value) {
            batch_counts[category] = count as u64;
        } else {
            batch_counts.push(count as u64);
            n_unseen += count as u64;
        }
    }
    reference_counts.resize(batch_counts.len(), 0);
    n_unseen
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
        let (mut reference_counts, mut batch_counts) = (vec![9], vec![]);
        let n_unseen =
            count_by_category(&reference, &batch, &mut reference_counts, &mut batch_counts);
        assert_eq!((reference_counts, batch_counts), (vec![2, 1, 0, 0], vec![0, 1, 1, 2]));
        assert_eq!(n_unseen, 3);
    }

    #[test]
    fn numbers_outside_are_counted() {
        let outside = |reference: &[f64], batch: &[f64]| {
            let (reference, batch, mut stretches) = (sample(reference), sample(batch), vec![]);
            outside(&Pooled::new(&reference, &batch, &mut stretches))
        };
        assert_eq!(outside(&[1.0, 3.0], &[0.5, 0.5, 1.0, 2.0, 3.0, 4.0]), 3);
        assert_eq!(outside(&[1.0, 3.0], &[1.0, 2.0, 3.0]), 0);
        assert_eq!(outside(&[1.0, 3.0], &[0.0]), 1);
        assert_eq!(outside(&[1.0, 3.0], &[4.0, 5.0]), 2);
    }

    #[test]
    fn the_least_p_value_is_that_of_one_relabelling() {
        assert!((least_p_value(5, 1) - 1.0 / 6.0).abs() < 1e-15);
        assert!((least_p_value(3, 4) - 1.0 / 35.0).abs() < 1e-15);
        assert!(least_p_value(1 << 53, 1 << 53) < f64::MIN_POSITIVE);
    }
}
