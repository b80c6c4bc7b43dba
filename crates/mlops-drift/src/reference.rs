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

    /// Whether a report is of the features of this reference, in its order.
    pub(crate) fn is_of(&self, report: &[FeatureDrift]) -> bool {
        let names = self.features.iter().map(FeatureReference::name);
        names.eq(report.iter().map(|drift| &*drift.feature))
    }

    /// The features before any test.
    pub(crate) fn untested(&self) -> impl Iterator<Item = FeatureDrift> {
        self.features.iter().map(FeatureReference::untested)
    }

    /// Tests each feature of a batch with the columns of the reference, and writes what was found where `place` says that
    /// it stands in `report`; nothing is adjusted yet.
    ///
    /// # Errors
    /// [`Error::TooManyCounts`] if reference and batch are too large together.
    pub(crate) fn test(
        &self,
        values: ArrayView2<'_, f64>,
        alpha: Alpha,
        tests: Tests,
        memory: &mut Memory,
        report: &mut [FeatureDrift],
        place: impl Fn(usize) -> usize,
    ) -> Result<(), Error> {
        for (i, (feature, column)) in self.features.iter().zip(values.columns()).enumerate() {
            feature.test(column, alpha, tests, memory, &mut report[place(i)])?;
        }
        Ok(())
    }
}
