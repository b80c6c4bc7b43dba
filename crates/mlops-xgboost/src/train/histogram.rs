use std::ops::{Add, AddAssign, Sub};

use super::binned::Binned;

/// The first and second derivative of the loss by the margin of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Gradient {
    pub(super) first: f32,
    pub(super) second: f32,
}

/// The gradients of some rows, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sum {
    pub(super) first: f64,
    pub(super) second: f64,
}

impl From<Gradient> for Sum {
    fn from(gradient: Gradient) -> Self {
        Self { first: gradient.first.into(), second: gradient.second.into() }
    }
}

impl Add for Sum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { first: self.first + other.first, second: self.second + other.second }
    }
}

impl AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Sum {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { first: self.first - other.first, second: self.second - other.second }
    }
}

/// The gradients of a node's rows, added up by bin, for the features that a tree may use; for others they mean nothing.
#[derive(Debug)]
pub(super) struct Histogram(Vec<Sum>);

impl Histogram {
    /// Counts the rows of a node in the memory of a histogram that is no longer needed.
    pub(super) fn count(
        binned: &Binned,
        features: &[usize],
        rows: &[u32],
        gradients: &[Gradient],
        unused: Option<Self>,
    ) -> Self {
        let mut sums = unused.map_or_else(Vec::new, |histogram| histogram.0);
        sums.clear();
        sums.resize(binned.n_places(), Sum::default());
        binned.add_up(features, rows, gradients, &mut sums);
        Self(sums)
    }

    /// The histogram of the rows that are in this node and not in `other`, one of its children.
    pub(super) fn without(mut self, other: &Self) -> Self {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            *sum = *sum - *other;
        }
        self
    }

    /// The bins of a feature's values that are there.
    pub(super) fn present(&self, binned: &Binned, feature: usize) -> &[Sum] {
        &self.0[binned.present(feature)]
    }
}
