use std::ops::{Add, AddAssign, Sub};

use super::binned::Binned;
use super::bits::{Bits, WORD};
use super::threads::Threads;

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
///
/// Deep in a tree most bins are empty: which are not is kept, and nobody looks at the others.
#[derive(Debug)]
pub(super) struct Histogram {
    sums: Vec<Sum>,
    /// A bit for each place; where it is not set, the sum is zero. No two features have a word in common.
    touched: Vec<u64>,
}

impl Histogram {
    /// Counts the rows of a node in the memory of a histogram that is no longer needed.
    pub(super) fn count(
        binned: &Binned,
        features: &[usize],
        rows: &[u32],
        gradients: &[Gradient],
        unused: Option<Self>,
        threads: Threads,
    ) -> Self {
        let mut histogram = unused.map_or_else(|| Self::new(binned.n_places()), Self::cleared);
        let Self { sums, touched } = &mut histogram;
        binned.add_up(features, rows, gradients, sums, threads);
        if rows.len() * features.len() < sums.len() {
            binned.touch(features, rows, touched);
        } else {
            for (word, sums) in touched.iter_mut().zip(sums.as_chunks().0) {
                *word = Bits::of(sums, |sum| *sum != Sum::default()).0;
            }
        }
        histogram
    }

    fn new(n_places: usize) -> Self {
        Self { sums: vec![Sum::default(); n_places], touched: vec![0; n_places / WORD] }
    }

    fn cleared(mut self) -> Self {
        for (word, sums) in self.touched.iter_mut().zip(self.sums.as_chunks_mut::<WORD>().0) {
            if *word != 0 {
                *word = 0;
                *sums = [Sum::default(); WORD];
            }
        }
        self
    }

    /// The histogram of the rows that are in this node and not in `other`, one of its children.
    pub(super) fn without(mut self, other: &Self) -> Self {
        let words = self.touched.iter_mut().zip(&other.touched);
        let (sums, others) =
            (self.sums.as_chunks_mut::<WORD>().0, other.sums.as_chunks::<WORD>().0);
        for ((word, touched), (sums, others)) in words.zip(sums.iter_mut().zip(others)) {
            let mut left = *word | touched;
            for place in Bits(*touched) {
                sums[place] = sums[place] - others[place];
                left ^= u64::from(sums[place] == Sum::default()) << place;
            }
            *word = left;
        }
        self
    }

    /// The bins of a feature's values that are there.
    pub(super) fn present(&self, binned: &Binned, feature: usize) -> Bins<'_> {
        let places = binned.present(feature);
        let words = places.start / WORD..places.end.div_ceil(WORD);
        Bins { len: places.len(), touched: &self.touched[words], sums: &self.sums[places.start..] }
    }
}

/// Bins of a feature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bins<'a> {
    len: usize,
    touched: &'a [u64],
    sums: &'a [Sum],
}

impl<'a> Bins<'a> {
    /// The bins that are not empty, ascending.
    pub(super) fn iter(self) -> impl DoubleEndedIterator<Item = (usize, &'a Sum)> {
        let words = self.touched.iter().zip(self.sums.as_chunks::<WORD>().0).enumerate();
        words.flat_map(move |(at, (word, sums))| {
            let first = at * WORD;
            // Behind these bins are missing values.
            let bits = Bits(*word).before(self.len - first);
            bits.map(move |place| (first + place, &sums[place]))
        })
    }
}
