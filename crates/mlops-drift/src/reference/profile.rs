use crate::empirical::EmpiricalDistribution;
use crate::pooled::Pooled;

/// What effect sizes need to know of a sample of numbers, computed once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Profile {
    /// The standard deviation of the sample.
    deviation: f64,
    /// For each distinct value the integral of the distribution function up to it.
    areas: Vec<f64>,
    /// The ranks at which the tenths end, but the last; fewer where one value fills several.
    tenths: Vec<usize>,
    /// The number of values in each tenth.
    sizes: Vec<u64>,
}

impl Profile {
    /// The largest number of tenths.
    pub(super) const MOST_CELLS: usize = 10;

    /// The profile of a sample with at least one value.
    pub(super) fn new(sample: &EmpiricalDistribution) -> Self {
        let tenths = tenths(sample);
        let ends = tenths.iter().map(|rank| sample.below(*rank)).chain([sample.size()]);
        let sizes = ends.scan(0, |before, end| Some((end - std::mem::replace(before, end)) as u64));
        let sizes = sizes.collect();
        Self { deviation: deviation(sample), areas: areas(sample), tenths, sizes }
    }

    /// The numbers of values of the sample in its tenths.
    pub(super) fn sizes(&self) -> &[u64] {
        &self.sizes
    }

    /// The numbers of values of a batch in the tenths of this sample, in the place of `counts`.
    pub(super) fn count(&self, pooled: &Pooled<'_>, counts: &mut Vec<u64>) {
        counts.clear();
        let mut before = 0;
        for rank in &self.tenths {
            // What follows the stretch is above the last value of the tenth.
            let stretch = pooled.stretches.partition_point(|stretch| stretch.last < *rank);
            let end = pooled.stretches[stretch].batch;
            counts.push((end - before) as u64);
            before = end;
        }
        counts.push((pooled.batch.size() - before) as u64);
    }

    /// The Wasserstein distance of a batch from this sample, in its standard deviations; `None` if
    /// there is no deviation, or the distance is no number.
    ///
    /// ```text
    /// W = integral of |F - G|
    /// ```
    ///
    /// Between two values of the batch G is constant and F crosses it at most once: the area on
    /// either side is a difference of areas that are known.
    pub(super) fn wasserstein(&self, pooled: &Pooled<'_>) -> Option<f64> {
        let (sample, batch) = (pooled.reference, pooled.batch);
        let (n, m) = (sample.size() as f64, batch.size() as f64);
        let mut distance = 0.0;
        let mut left = (f64::NAN, 0.0);
        for (stretch, value) in pooled.stretches.iter().zip(batch.values()) {
            let share = stretch.batch as f64 / m;
            // Where the stretch ends, and the area up to there.
            let before = sample.below(stretch.last) as f64 / n;
            let right = (*value, self.area(sample, stretch.last, before, *value));
            distance += if stretch.batch == 0 {
                right.1
            } else if sample.below(stretch.first) as f64 / n >= share {
                right.1 - left.1 - share * (right.0 - left.0)
            } else if before < share {
                share * (right.0 - left.0) - (right.1 - left.1)
            } else {
                let ranks = stretch.first + 1..=stretch.last;
                let rank = sample.first_rank(ranks, |below| below as f64 / n >= share);
                let crossing = (sample.values()[rank - 1], self.areas[rank - 1]);
                share * (crossing.0 - left.0) - (crossing.1 - left.1) + right.1
                    - crossing.1
                    - share * (right.0 - crossing.0)
            };
            left = right;
        }
        let largest = (*sample.values().last()?, *self.areas.last()?);
        if left.0 < largest.0 {
            distance += largest.0 - left.0 - (largest.1 - left.1);
        }
        // Differences of areas that are equal may be a rounding below 0.
        let has_unit = self.deviation.is_normal();
        Some(distance.max(0.0) / self.deviation).filter(|distance| has_unit && distance.is_finite())
    }

    /// The integral of the distribution function up to `x`, below which there are `rank` distinct
    /// values and a share of `before` of all.
    fn area(&self, sample: &EmpiricalDistribution, rank: usize, before: f64, x: f64) -> f64 {
        match rank.checked_sub(1) {
            Some(last) => self.areas[last] + before * (x - sample.values()[last]),
            None => 0.0,
        }
    }
}

fn deviation(sample: &EmpiricalDistribution) -> f64 {
    let size = sample.size() as f64;
    let weighted = || sample.values().iter().zip(sample.counts().map(|count| count as f64 / size));
    let mean: f64 = weighted().map(|(value, weight)| weight * value).sum();
    let variance: f64 = weighted().map(|(value, weight)| weight * (value - mean).powi(2)).sum();
    variance.sqrt()
}

fn areas(sample: &EmpiricalDistribution) -> Vec<f64> {
    let size = sample.size() as f64;
    let mut area = 0.0;
    let gaps = sample.values().windows(2).enumerate();
    let areas = gaps.map(|(rank, pair)| {
        area += sample.below(rank + 1) as f64 / size * (pair[1] - pair[0]);
        area
    });
    std::iter::once(0.0).chain(areas).collect()
}

fn tenths(sample: &EmpiricalDistribution) -> Vec<usize> {
    let (size, most) = (sample.size() as u128, sample.values().len());
    let rank =
        |tenth: u128| sample.first_rank(1..=most, |below| below as u128 * 10 >= tenth * size);
    let mut ranks: Vec<usize> = (1..10).map(rank).collect();
    ranks.dedup();
    // Above the largest value there is no tenth.
    ranks.retain(|rank| *rank < most);
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wasserstein_distance;

    fn sample(values: &[f64]) -> EmpiricalDistribution {
        EmpiricalDistribution::new(values.to_vec())
    }

    #[test]
    fn tenths_hold_a_tenth_each_as_far_as_ties_allow() {
        let ascending: Vec<f64> = (0..100).map(f64::from).collect();
        let ascending = sample(&ascending);
        let profile = Profile::new(&ascending);
        assert_eq!(profile.sizes(), [10; 10]);
        let mut counts = vec![];
        let (batch, mut stretches) = (sample(&[-5.0, 9.0, 9.5, 200.0]), vec![]);
        profile.count(&Pooled::new(&ascending, &batch, &mut stretches), &mut counts);
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(Profile::new(&sample(&[1.0, 1.0, 1.0, 2.0])).sizes(), [3, 1]);
        assert_eq!(Profile::new(&sample(&[7.0])).sizes(), [1]);
    }

    #[test]
    fn a_constant_has_no_unit() {
        let constant = sample(&[7.0, 7.0]);
        let wide = sample(&[f64::MAX, f64::MIN]);
        for reference in [constant, wide] {
            let (batch, mut stretches) = (sample(&[8.0]), vec![]);
            let pooled = Pooled::new(&reference, &batch, &mut stretches);
            assert_eq!(Profile::new(&reference).wasserstein(&pooled), None);
        }
    }

    proptest! {
        #[test]
        fn the_distance_is_that_of_all_values(
            reference in prop::collection::vec((0..30_u8).prop_map(f64::from), 2..40),
            batch in prop::collection::vec((-5..35_i8).prop_map(f64::from), 1..20),
        ) {
            prop_assume!(reference.iter().any(|value| *value != reference[0]));
            let distribution = sample(&reference);
            let profile = Profile::new(&distribution);
            let (other, mut stretches) = (sample(&batch), vec![]);
            let got = profile.wasserstein(&Pooled::new(&distribution, &other, &mut stretches));
            let got = got.unwrap();
            let expected = wasserstein_distance(&reference, &batch)? / profile.deviation;
            prop_assert!((got - expected).abs() < 1e-12 * (1.0 + expected), "{} {}", got, expected);
        }
    }
}
