use std::ops::{Add, AddAssign, Sub};

use super::binned::Binned;

/// The first and second derivative of the loss, of one row or added up over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Gradient {
    pub(super) first: f64,
    pub(super) second: f64,
}

impl Add for Gradient {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { first: self.first + other.first, second: self.second + other.second }
    }
}

impl AddAssign for Gradient {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Gradient {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { first: self.first - other.first, second: self.second - other.second }
    }
}

/// The gradients of a node's rows, added up by bin.
#[derive(Clone, Debug)]
pub(super) struct Histogram(Vec<Gradient>);

impl Histogram {
    pub(super) fn of(binned: &Binned, rows: &[u32], gradients: &[Gradient]) -> Self {
        let mut sums = vec![Gradient::default(); binned.n_bins()];
        for &row in rows {
            let gradient = gradients[row as usize];
            for &bin in binned.row(row) {
                sums[bin as usize] += gradient;
            }
        }
        Self(sums)
    }

    /// The histogram of the rows that are in this node and not in `other`, one of its children.
    pub(super) fn without(mut self, other: &Self) -> Self {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            *sum = *sum - *other;
        }
        self
    }

    pub(super) fn bin(&self, bin: usize) -> Gradient {
        self.0[bin]
    }
}
