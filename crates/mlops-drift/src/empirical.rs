mod index;

use std::ops::RangeInclusive;

use self::index::Index;
use crate::counts::MOST_COUNTED;
use crate::{Error, Sample};

/// A sample as a step function: each distinct value once, with the number of values below it.
///
/// A rank is a number of distinct values, the smallest ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmpiricalDistribution {
    // Invariant: finite, ascending, without -0.0.
    values: Vec<f64>,
    // Invariant: for each rank the number of values below it; nothing if all values are distinct, as
    // it would be the rank.
    below: Vec<usize>,
    /// What finds ranks; a sample that is searched once needs none.
    index: Option<Index>,
}

impl EmpiricalDistribution {
    /// Checks and sorts the values of a sample.
    ///
    /// # Errors
    /// As [`check_sample`].
    pub(crate) fn of(values: &[f64], sample: Sample) -> Result<Self, Error> {
        check_sample(values, sample)?;
        Ok(Self::new(values.to_vec()))
    }

    /// Sorts finite values.
    pub(crate) fn new(sample: Vec<f64>) -> Self {
        let mut distribution = Self { values: sample, below: vec![], index: None };
        distribution.sort();
        distribution
    }

    /// Takes the place of this sample with others of finite values, in the memory of this one.
    pub(crate) fn refill(&mut self, sample: impl Iterator<Item = f64>) {
        self.values.clear();
        self.values.extend(sample);
        self.sort();
    }

    /// Forgets the values, and takes memory for as many.
    pub(crate) fn reserve(&mut self, n_values: usize) {
        self.values.clear();
        self.values.reserve(n_values);
        self.below.clear();
        self.below.reserve(n_values + 1);
    }

    /// The same sample, made ready for many searches.
    pub(crate) fn indexed(self) -> Self {
        Self { index: Index::new(&self.values), ..self }
    }

    /// Makes distinct values and their ranks of values in any order.
    fn sort(&mut self) {
        let Self { values, below, index } = self;
        *index = None;
        for value in &mut *values {
            // Makes 0.0 of -0.0, which is the same value.
            *value += 0.0;
        }
        values.sort_unstable_by(f64::total_cmp);
        below.clear();
        if values.is_sorted_by(|left, right| left < right) {
            return;
        }
        below.push(0);
        let mut size = 0;
        for run in values.chunk_by(|left, right| left.to_bits() == right.to_bits()) {
            size += run.len();
            below.push(size);
        }
        values.dedup_by_key(|value| value.to_bits());
    }

    /// Takes distinct values and how often each stands in the sample; `None` unless the values are
    /// finite and ascending, with one positive count each, and the counts sum up to at most 2^53.
    pub(crate) fn from_counts(values: Vec<f64>, counts: &[usize]) -> Option<Self> {
        let ascending = values.is_sorted_by(|left, right| left < right);
        if !ascending || !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        if counts.len() != values.len() || counts.contains(&0) {
            return None;
        }
        let mut below = vec![0];
        let mut size: usize = 0;
        for &count in counts {
            size = size.checked_add(count).filter(|&size| size as u64 <= MOST_COUNTED)?;
            below.push(size);
        }
        if size == values.len() {
            below = vec![];
        }
        Some(Self { values, below, index: None })
    }

    /// The distinct values, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The rank of `x`: the number of distinct values below it.
    pub(crate) fn rank(&self, x: f64) -> usize {
        match &self.index {
            Some(index) => index.rank(&self.values, x),
            None => self.values.partition_point(|value| *value < x),
        }
    }

    /// The number of values below a rank, which is at most the number of distinct values.
    pub(crate) fn below(&self, rank: usize) -> usize {
        if self.below.is_empty() { rank } else { self.below[rank] }
    }

    /// How often each distinct value stands in the sample.
    pub(crate) fn counts(&self) -> impl ExactSizeIterator<Item = usize> {
        (0..self.values.len()).map(|rank| self.below(rank + 1) - self.below(rank))
    }

    /// The size of the sample.
    pub(crate) fn size(&self) -> usize {
        self.below(self.values.len())
    }

    /// The first rank of `ranks` at whose number of values below `is_reached`, which is so at all
    /// that follow; the one after them if it is so at none.
    pub(crate) fn first_rank(
        &self,
        ranks: RangeInclusive<usize>,
        is_reached: impl Fn(usize) -> bool,
    ) -> usize {
        let (mut first, mut end) = (*ranks.start(), ranks.end() + 1);
        if !self.below.is_empty() {
            return first + self.below[first..end].partition_point(|below| !is_reached(*below));
        }
        while first < end {
            let middle = first.midpoint(end);
            if is_reached(middle) {
                end = middle;
            } else {
                first = middle + 1;
            }
        }
        first
    }
}

/// Refuses what is no sample of finite numbers.
///
/// # Errors
/// * [`Error::EmptySample`] if there are no values
/// * [`Error::NotFinite`] if a value is infinite or NaN
pub(crate) fn check_sample(values: &[f64], sample: Sample) -> Result<(), Error> {
    if values.is_empty() {
        return Err(Error::EmptySample { sample });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(Error::NotFinite { sample, position }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_counted_once() {
        let sample = EmpiricalDistribution::new(vec![2.0, 0.0, 1.0, -0.0, 2.0, 2.0]);
        assert_eq!(sample.values(), [0.0, 1.0, 2.0]);
        assert_eq!([0, 1, 2, 3].map(|rank| sample.below(rank)), [0, 2, 3, 6]);
        assert_eq!(sample.counts().collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(sample.size(), 6);
        assert_eq!(EmpiricalDistribution::new(vec![]).size(), 0);
        let mut other = EmpiricalDistribution::new(vec![5.0]);
        other.refill([2.0, 0.0, 1.0, -0.0, 2.0, 2.0].into_iter());
        assert_eq!(other, sample);
    }

    #[test]
    fn ranks_are_found_with_and_without_ties() {
        let tied = EmpiricalDistribution::new(vec![1.0, 1.0, 2.0, 5.0]);
        let distinct = EmpiricalDistribution::new(vec![2.0, 1.0, 9.0]);
        let first = |sample: &EmpiricalDistribution, least: usize| {
            sample.first_rank(0..=3, |below| below >= least)
        };
        assert_eq!([0, 1, 2, 3, 4, 5].map(|least| first(&tied, least)), [0, 1, 1, 2, 3, 4]);
        assert_eq!([0, 1, 2, 3, 4].map(|least| first(&distinct, least)), [0, 1, 2, 3, 4]);
        assert_eq!(distinct.counts().collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn counts_make_the_same_sample_as_values() {
        let sample = EmpiricalDistribution::new(vec![2.0, -1.0, 2.0]);
        assert_eq!(EmpiricalDistribution::from_counts(vec![-1.0, 2.0], &[1, 2]), Some(sample));
        for (values, counts) in [
            (vec![2.0, 1.0], vec![1, 1]),
            (vec![1.0, 1.0], vec![1, 1]),
            (vec![-0.0, 0.0], vec![1, 1]),
            (vec![1.0, f64::NAN], vec![1, 1]),
            (vec![1.0, f64::INFINITY], vec![1, 1]),
            (vec![1.0], vec![0]),
            (vec![1.0], vec![1, 1]),
            (vec![1.0, 2.0], vec![1 << 53, 1]),
            (vec![1.0, 2.0], vec![usize::MAX, usize::MAX]),
        ] {
            assert_eq!(EmpiricalDistribution::from_counts(values, &counts), None);
        }
    }
}
