use super::front::{Front, Part};
use super::kernel::Kernels;
use super::pooled::{Deviation, Ends, Pooled};
use crate::special::binomial::Binomial;
use crate::special::hypergeometric;

/// The paths that count a sample's values in the pool, and the corridor that they must stay in.
///
/// Deal the labels out at random: among the first t of N = n + m pooled values, j are of the
/// smaller sample. The statistic stays below the observed one as long as `|j N - t m| < distance`
/// at every end of a run of ties, and the p-value is the probability to leave this corridor.
///
/// Let every pooled value be of the smaller sample with probability m / N, independently: given
/// that there are m in the end, this is a random relabelling. Without that condition the steps
/// between any two times are binomial, so the path needs no look at times at which it cannot leave:
/// what counts is the last end before the upper bound rises and the first one at which the lower
/// bound has risen, at most 2 m + 1 times. What leaves at a time is weighted with the probability
/// to reach m from there. All terms are positive: nothing cancels, however small the sum.
#[derive(Debug)]
pub(super) struct Lattice<'a> {
    ends: Ends<'a>,
    /// The size of the smaller sample.
    m: usize,
    /// The size of both samples.
    total: usize,
    /// The distance that leaves the corridor; the bounds below are written for a positive one.
    distance: usize,
    labels: Binomial,
    /// The probability that m of all values are of the smaller sample.
    hit: f64,
    /// Probabilities below this are left out; all of them together are less than 1e-17 of the
    /// p-value.
    negligible: f64,
}

impl<'a> Lattice<'a> {
    /// The corridor of an observed deviation; `None` if the samples are too large to walk through
    /// it.
    pub(super) fn new(pooled: &'a Pooled<'a>, observed: Deviation) -> Option<Self> {
        let (reference, batch) = (pooled.reference_size(), pooled.batch_size());
        let (n, m) = (reference.max(batch), reference.min(batch));
        let total = n + m;
        // No bound below computes more than this.
        total.checked_mul(m)?.checked_mul(4)?;
        let labels = Binomial::with_odds(m as f64, n as f64);
        let hit = labels.pmf(m as u64, total as u64);
        // One way to leave is to hold the observed counts at the observed time.
        let time = observed.reference + observed.batch;
        let counted = if batch <= reference { observed.batch } else { observed.reference };
        let least = hypergeometric::pmf(counted as u64, time as u64, m as u64, total as u64);
        let dropped = 8.0 * (m as f64 + 1.0).powi(2);
        Some(Self {
            ends: pooled.ends(),
            m,
            total,
            distance: usize::try_from(observed.distance).ok()?,
            labels,
            hit,
            negligible: (1e-17 * least * hit / dropped).max(f64::MIN_POSITIVE),
        })
    }

    /// The probability that a random relabelling leaves the corridor, at most 1 up to rounding;
    /// `None` if the walk takes too long.
    pub(super) fn exit_probability(mut self) -> Option<f64> {
        if self.distance == 0 {
            return Some(1.0);
        }
        let mut work = 0;
        let mut kernels = Kernels::new(self.labels, self.m, self.total, self.negligible);
        let mut front = Front::at_zero();
        let mut left = 0.0;
        let (mut time, mut lowest) = (0, 0);
        while !front.is_empty() {
            let checkpoint = self.next_checkpoint(time, lowest);
            if checkpoint == self.total {
                break;
            }
            let kernel = kernels.of_gap(checkpoint - time);
            work += front.work(kernel);
            if work > MAX_WORK {
                return None;
            }
            front.advance(kernel, self.m);
            (time, lowest) = (checkpoint, self.lowest(checkpoint));
            let highest = self.highest(time);
            left += self.weigh_below(time, front.below(lowest));
            left += self.weigh_above(time, front.above(highest));
            front.cut(lowest, highest, self.negligible);
        }
        Some(left)
    }

    /// The next time after `time` at which a path can leave that was inside so far, given the lower
    /// bound of then.
    fn next_checkpoint(&mut self, time: usize, lowest: usize) -> usize {
        let next = self.ends.advance_to(time + 1);
        let highest = self.highest(next);
        let before_rise = if highest == self.m {
            self.total
        } else {
            self.ends.last_to(((highest + 1) * self.total - self.distance) / self.m)
        };
        let rise = (lowest * self.total + self.distance).div_ceil(self.m);
        if rise <= before_rise { self.ends.first_from(rise).min(before_rise) } else { before_rise }
    }

    /// The smallest count inside of the corridor.
    fn lowest(&self, time: usize) -> usize {
        (time * self.m).saturating_sub(self.distance - 1).div_ceil(self.total)
    }

    /// The largest count inside of the corridor.
    fn highest(&self, time: usize) -> usize {
        ((time * self.m + self.distance - 1) / self.total).min(self.m)
    }

    /// The probability of paths that are below the corridor at `time` and reach m in the end.
    fn weigh_below(&self, time: usize, part: Part<'_>) -> f64 {
        if part.mass.is_empty() {
            return 0.0;
        }
        let remaining = self.total - time;
        // The number of values of the smaller sample that the highest count still needs.
        let least = self.m + 1 - part.first - part.mass.len();
        if least > remaining {
            return 0.0;
        }
        let mut weight = self.labels.pmf(least as u64, remaining as u64) / self.hit;
        let mut sum = 0.0;
        for (needed, mass) in (least..=remaining).zip(part.mass.iter().rev()) {
            sum += mass * weight;
            weight *= self.labels.odds() * (remaining - needed) as f64 / (needed + 1) as f64;
        }
        sum
    }

    /// The probability of paths that are above the corridor at `time` and reach m in the end.
    fn weigh_above(&self, time: usize, part: Part<'_>) -> f64 {
        let remaining = self.total - time;
        // A lower count needs more values than there are.
        let first = part.first.max(self.m.saturating_sub(remaining));
        let mass = part.mass.get(first - part.first..).unwrap_or(&[]);
        if mass.is_empty() {
            return 0.0;
        }
        let most = self.m - first;
        let mut weight = self.labels.pmf(most as u64, remaining as u64) / self.hit;
        let mut sum = 0.0;
        for (needed, mass) in (0..=most).rev().zip(mass) {
            sum += mass * weight;
            weight *= needed as f64 / ((remaining - needed + 1) as f64 * self.labels.odds());
        }
        sum
    }
}

/// Between a tenth and a fifth of a second.
const MAX_WORK: usize = 1 << 28;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::empirical::EmpiricalDistribution;

    /// The p-value of `n` and `m` values without ties.
    fn exit_probability(n: usize, m: usize, distance: usize) -> f64 {
        let ascending = |range: std::ops::Range<usize>| {
            EmpiricalDistribution::new(range.map(|value| value as f64).collect())
        };
        let (reference, batch) = (ascending(0..n), ascending(n..n + m));
        let pooled = Pooled::new(&reference, &batch);
        // The deviation need not be one of these samples, but its witness must deviate as much.
        let witness = (0..=m)
            .map(|batch| {
                let time = (batch * (n + m)).saturating_sub(distance) / m;
                Deviation {
                    distance: distance as u128,
                    reference: time.saturating_sub(batch),
                    batch,
                }
            })
            .filter(|at| at.reference + at.batch > 0)
            .filter(|at| (at.batch * n).abs_diff(at.reference * m) >= distance)
            .max_by(|left, right| {
                let probability = |at: &Deviation| {
                    let time = (at.reference + at.batch) as u64;
                    hypergeometric::pmf(at.batch as u64, time, m as u64, (n + m) as u64)
                };
                probability(left).total_cmp(&probability(right))
            });
        Lattice::new(&pooled, witness.unwrap()).unwrap().exit_probability().unwrap()
    }

    #[test]
    fn tails_are_those_of_counted_paths() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden_drift.json");
        let golden: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let rows = golden["cases"].as_array().unwrap().iter();
        let rows = rows.filter(|case| case["kind"] == "ks_pvalue_nmh");
        let rows: Vec<_> =
            rows.flat_map(|case| case["expected"].as_array().unwrap().clone()).collect();
        assert_eq!(rows.len(), 114);
        for row in rows {
            let [n, m, distance] =
                ["n", "m", "h"].map(|key| usize::try_from(row[key].as_u64().unwrap()).unwrap());
            let expected = row["p"].as_f64().unwrap();
            let p_value = exit_probability(n, m, distance);
            let error = (p_value / expected - 1.0).abs();
            assert!(error < 1e-12, "n {n} m {m} distance {distance}: {p_value:e}, {error:e}");
        }
    }

    #[test]
    fn a_larger_distance_is_never_more_probable() {
        for (n, m) in [(30, 7), (12, 12), (40, 1), (17, 16)] {
            let p_values: Vec<f64> =
                (1..=n * m).map(|distance| exit_probability(n, m, distance)).collect();
            assert!((p_values[0] - 1.0).abs() < 1e-14);
            assert!(p_values.is_sorted_by(|left, right| *left >= right * (1.0 - 1e-13)));
        }
    }

    #[test]
    fn samples_that_are_too_large_are_not_walked_through() {
        let sample = |size: usize| EmpiricalDistribution::from_counts(vec![1.0], &[size]).unwrap();
        let large = sample(1 << 53);
        let pooled = Pooled::new(&large, &large);
        assert!(Lattice::new(&pooled, pooled.largest_deviation()).is_none());
    }
}
