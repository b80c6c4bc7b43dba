use super::corridor::{Checkpoint, Corridor};
use super::front::{Front, Part};
use super::kernel::{Kernels, Trials};
use crate::pooled::{Deviation, Pooled};
use crate::special::binomial::Binomial;
use crate::special::hypergeometric;

/// The paths that count a sample's values in the pool, as a walk through the corridor.
///
/// Let every pooled value be of the smaller sample with the same probability, independently: given
/// that there are m in the end, this is a random relabelling, whatever that probability is. Without
/// that condition the steps between any two checkpoints are binomial. What leaves at one is weighted
/// with the probability to reach m from there. All terms are positive: nothing cancels, however small
/// the sum.
#[derive(Debug)]
pub(super) struct Lattice<'a> {
    corridor: Corridor<'a>,
    trials: Trials,
    /// The logarithm of what the result is a multiple of, times the probability that m of all values
    /// are of the smaller sample.
    ln_unit: f64,
    /// How many multiplications there is time for.
    affordable: usize,
}

/// What a walk is done in, kept so that it is allocated once.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    front: Front,
    kernels: Kernels,
}

impl Walk {
    /// Takes memory for walks in which the smaller sample has at most as many values.
    pub(crate) fn reserve(&mut self, most: usize) {
        self.front.reserve(most);
        self.kernels.reserve(most);
    }
}

impl<'a> Lattice<'a> {
    /// The walk through the corridor of an observed deviation, with probability m / N. What is left
    /// out is together less than 1e-17 of the p-value.
    pub(super) fn new(pooled: &Pooled<'_>, observed: Deviation, corridor: Corridor<'a>) -> Self {
        let Corridor { m, total, .. } = corridor;
        let labels = Binomial::with_odds(m as f64, (total - m) as f64);
        let ln_hit = labels.ln_pmf(m as u64, total as u64);
        // One way to leave is to hold the observed counts at the observed time.
        let time = observed.reference + observed.batch;
        let counts_batch = pooled.batch_size() <= pooled.reference_size();
        let counted = if counts_batch { observed.batch } else { observed.reference };
        let least = hypergeometric::pmf(counted as u64, time as u64, m as u64, total as u64);
        let dropped = 8.0 * (m as f64 + 1.0).powi(2);
        let negligible = (1e-17 * least * ln_hit.exp() / dropped).max(f64::MIN_POSITIVE);
        let trials = Trials { labels, m, total, negligible };
        Self { corridor, trials, ln_unit: ln_hit, affordable: affordable(m) }
    }

    /// The walk with a probability that makes it pass where it most probably leaves the corridor, with
    /// a result in multiples of the probability to do so there. For a corridor with one bound, and
    /// probabilities that are too small for a double; also returns the logarithm of the unit.
    pub(super) fn tilted(corridor: Corridor<'a>) -> Option<(Self, f64)> {
        let Corridor { m, total, .. } = corridor;
        let exits = std::iter::successors(Some((corridor, None)), |(corridor, _)| {
            let mut corridor = *corridor;
            let checkpoint = corridor.next_checkpoint()?;
            Some((corridor, Some(checkpoint)))
        });
        let exits = exits.filter_map(|(corridor, checkpoint)| {
            let Checkpoint { time, lowest, highest, .. } = checkpoint?;
            let count = corridor.exit(lowest, highest)?;
            let is_possible = count <= time && m - count <= total - time;
            let ln_pmf = |count: usize| {
                hypergeometric::ln_pmf(count as u64, time as u64, m as u64, total as u64)
            };
            is_possible.then(|| (ln_pmf(count), count, time))
        });
        let (ln_scale, count, time) = exits.max_by(|left, right| left.0.total_cmp(&right.0))?;
        // A half of either keeps the probability off 0 and 1.
        let labels = Binomial::with_odds(count as f64 + 0.5, (time - count) as f64 + 0.5);
        let ln_unit = labels.ln_pmf(m as u64, total as u64) + ln_scale;
        let trials = Trials { labels, m, total, negligible: f64::MIN_POSITIVE };
        Some((Self { corridor, trials, ln_unit, affordable: affordable(m) }, ln_scale))
    }

    /// The probability that a random relabelling leaves the corridor, in multiples of the unit; `None`
    /// if the walk takes too long.
    pub(super) fn exit_probability(mut self, walk: &mut Walk) -> Option<f64> {
        let Walk { front, kernels } = walk;
        let Trials { m, negligible, .. } = self.trials;
        kernels.clear();
        front.reset();
        let mut work: usize = 0;
        let mut left = 0.0;
        while !front.is_empty() {
            let Some(checkpoint) = self.corridor.next_checkpoint() else { break };
            let Checkpoint { time, gap, lowest, highest } = checkpoint;
            let kernel = kernels.of_gap(gap, &self.trials);
            work = work.saturating_add(front.work(kernel));
            if work > self.affordable {
                return None;
            }
            front.advance(kernel, m);
            left += self.weigh_below(time, front.below(lowest));
            left += self.weigh_above(time, front.above(highest));
            front.cut(lowest, highest, negligible);
        }
        Some(left)
    }

    /// The probability that `needed` of the remaining values are of the smaller sample, in units.
    fn weight(&self, needed: usize, remaining: usize) -> f64 {
        let ln_pmf = self.trials.labels.ln_pmf(needed as u64, remaining as u64);
        // What is beyond a double has no mass to be multiplied with.
        (ln_pmf - self.ln_unit).min(LARGEST).exp()
    }

    /// The probability of paths that are below the corridor at `time` and reach m in the end.
    fn weigh_below(&self, time: usize, part: Part<'_>) -> f64 {
        if part.mass.is_empty() {
            return 0.0;
        }
        let remaining = self.trials.total - time;
        // The number of values of the smaller sample that the highest count still needs.
        let least = self.trials.m + 1 - part.first - part.mass.len();
        if least > remaining {
            return 0.0;
        }
        let mut weight = self.weight(least, remaining);
        let mut sum = 0.0;
        for (needed, mass) in (least..=remaining).zip(part.mass.iter().rev()) {
            sum += mass * weight;
            weight *= self.trials.labels.odds() * (remaining - needed) as f64 / (needed + 1) as f64;
        }
        sum
    }

    /// The probability of paths that are above the corridor at `time` and reach m in the end.
    fn weigh_above(&self, time: usize, part: Part<'_>) -> f64 {
        let remaining = self.trials.total - time;
        // A lower count needs more values than there are.
        let first = part.first.max(self.trials.m.saturating_sub(remaining));
        let mass = part.mass.get(first - part.first..).unwrap_or(&[]);
        if mass.is_empty() {
            return 0.0;
        }
        let most = self.trials.m - first;
        let mut weight = self.weight(most, remaining);
        let mut sum = 0.0;
        for (needed, mass) in (0..=most).rev().zip(mass) {
            sum += mass * weight;
            weight *= needed as f64 / ((remaining - needed + 1) as f64 * self.trials.labels.odds());
        }
        sum
    }
}

fn affordable(m: usize) -> usize {
    if m <= ALWAYS_EXACT { usize::MAX } else { MAX_WORK }
}

/// Between a tenth and a fifth of a second.
const MAX_WORK: usize = 1 << 28;

/// The logarithm of about the largest double.
const LARGEST: f64 = 700.0;

/// Up to here, a p-value is exact however long it takes.
const ALWAYS_EXACT: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::super::counted;
    use super::*;
    use crate::Alternative;
    use crate::empirical::EmpiricalDistribution;

    #[test]
    fn walks_and_counts_agree() {
        let sample = |size: u32, step: f64, offset: f64| {
            let values = (0..size).map(|row| (f64::from(row) * step).floor() + offset);
            EmpiricalDistribution::new(values.collect())
        };
        for reference in [sample(400, 1.0, 0.0), sample(400, 0.1, 0.0), sample(9, 1.0, 0.5)] {
            for size in [1, 2, 7, 16] {
                for (step, offset) in [(2.0, 100.0), (13.0, 0.0), (0.3, 30.0)] {
                    for alternative in
                        [Alternative::TwoSided, Alternative::Less, Alternative::Greater]
                    {
                        let batch = sample(size, step, offset);
                        let mut stretches = vec![];
                        let pooled = Pooled::new(&reference, &batch, &mut stretches);
                        let observed = pooled.largest_deviation(alternative);
                        if observed.distance == 0 {
                            continue;
                        }
                        let corridor = || Corridor::new(&pooled, observed, alternative).unwrap();
                        let counted = counted::exit_probability(corridor());
                        let lattice = Lattice::new(&pooled, observed, corridor());
                        let walked = lattice.exit_probability(&mut Walk::default()).unwrap();
                        let error = (walked / counted - 1.0).abs();
                        assert!(error < 1e-12, "{walked:e} {counted:e} {observed:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn samples_that_are_too_large_are_not_walked_through() {
        let sample = |size: usize| EmpiricalDistribution::from_counts(vec![1.0], &[size]).unwrap();
        let (large, other) = (sample(1 << 53), sample((1 << 53) - 1));
        let mut stretches = vec![];
        let pooled = Pooled::new(&large, &other, &mut stretches);
        let observed = Deviation { distance: 1, reference: 1, batch: 0 };
        assert!(Corridor::new(&pooled, observed, Alternative::TwoSided).is_none());
    }
}
