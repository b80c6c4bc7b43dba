/// A sample as a step function: each distinct value once, with the number of values below it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmpiricalDistribution {
    // Invariant: finite, ascending, without -0.0.
    values: Vec<f64>,
    // Invariant: ascending from 0, one entry more than `values`; the last one is the size of the
    // sample.
    below: Vec<usize>,
}

impl EmpiricalDistribution {
    /// Sorts finite values.
    pub(crate) fn new(mut sample: Vec<f64>) -> Self {
        for value in &mut sample {
            // Makes 0.0 of -0.0, which is the same value.
            *value += 0.0;
        }
        sample.sort_unstable_by(f64::total_cmp);
        let mut below = vec![0];
        let mut size = 0;
        for run in sample.chunk_by(|left, right| left.to_bits() == right.to_bits()) {
            size += run.len();
            below.push(size);
        }
        sample.dedup_by_key(|value| value.to_bits());
        Self { values: sample, below }
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
            size = size.checked_add(count).filter(|&size| size as u64 <= MAX_SIZE)?;
            below.push(size);
        }
        Some(Self { values, below })
    }

    /// The distinct values, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// For each distinct value the number of values below it, and at the end the size of the
    /// sample.
    pub(crate) fn below(&self) -> &[usize] {
        &self.below
    }

    /// How often each distinct value stands in the sample.
    pub(crate) fn counts(&self) -> impl ExactSizeIterator<Item = usize> {
        self.below.windows(2).map(|ends| ends[1] - ends[0])
    }

    /// The size of the sample.
    pub(crate) fn size(&self) -> usize {
        self.below[self.values.len()]
    }
}

/// Sizes up to here are exact as `f64`.
const MAX_SIZE: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_counted_once() {
        let sample = EmpiricalDistribution::new(vec![2.0, 0.0, 1.0, -0.0, 2.0, 2.0]);
        assert_eq!(sample.values(), [0.0, 1.0, 2.0]);
        assert_eq!(sample.below(), [0, 2, 3, 6]);
        assert_eq!(sample.counts().collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(sample.size(), 6);
        assert_eq!(EmpiricalDistribution::new(vec![]).size(), 0);
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
