mod feature;
mod id;
mod memory;
mod profile;
mod stored;

use std::sync::Arc;

use mlops_core::FeatureDrift;
use ndarray::ArrayView2;

pub(crate) use self::feature::{FeatureReference, Scale, Tests};
pub(crate) use self::memory::Memory;
use crate::{Alpha, Error};

/// What batches are compared with: the distribution of each feature, in schema order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    features: Vec<FeatureReference>,
    id: Arc<str>,
}

impl Reference {
    pub(crate) fn new(features: Vec<FeatureReference>) -> Self {
        let id = id::of(&features).into();
        Self { features, id }
    }

    /// Takes rows of values of the features called `names`, of which `scales` says what they are.
    pub(crate) fn fit<'n>(
        names: impl IntoIterator<Item = &'n str>,
        scales: &[Scale],
        values: ArrayView2<'_, f64>,
    ) -> Self {
        let columns = names.into_iter().zip(values.columns()).zip(scales);
        let features =
            columns.map(|((name, column), &scale)| FeatureReference::fit(name, scale, column));
        Self::new(features.collect())
    }

    pub(crate) fn features(&self) -> &[FeatureReference] {
        &self.features
    }

    /// What the reference is known by: equal references have equal ones.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Tests each feature of a batch with the columns of the reference, and writes what was found in
    /// the place of `report`, in the same order; nothing is adjusted yet.
    ///
    /// # Errors
    /// [`Error::TooManyCounts`] if reference and batch are too large together.
    pub(crate) fn test(
        &self,
        values: ArrayView2<'_, f64>,
        alpha: Alpha,
        tests: Tests,
        memory: &mut Memory,
        report: &mut Vec<FeatureDrift>,
    ) -> Result<(), Error> {
        let is_known = |(drift, feature): (&FeatureDrift, &FeatureReference)| {
            *drift.feature == *feature.name()
        };
        if report.len() != self.features.len() || !report.iter().zip(&self.features).all(is_known) {
            report.clear();
            report.extend(self.features.iter().map(FeatureReference::untested));
        }
        let columns = self.features.iter().zip(values.columns());
        for ((feature, column), drift) in columns.zip(report) {
            feature.test(column, alpha, tests, memory, drift)?;
        }
        Ok(())
    }
}
