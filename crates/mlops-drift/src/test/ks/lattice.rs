use super::corridor::{Checkpoint, Corridor, Exit};
use super::front::{Front, Part};
use super::kernel::{Kernels, Trials};
use super::tail::Tilt;
use crate::special::binomial::Binomial;

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
    weighing: Weighing<'a>,
    /// How many multiplications there is time for.
    affordable: usize,
}

/// How the weight of a count is computed: the probability of a random relabelling to be there, by that
/// of the walk.
#[derive(Clone, Copy, Debug)]
enum Weighing<'a> {
    /// By the probability to reach m from there, divided by that to reach m at all.
    ByRest { hit: f64 },
    /// By both probabilities, and only where the tilt of the walk is the first that covers the exit.
    ByPlace { tilts: &'a [Tilt], ln_unit: f64 },
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
    /// The walk with probability m / N, of a p-value of at least `exp(ln_least)`. What is left out is
    /// together less than 1e-17 of it.
    pub(super) fn new(corridor: Corridor<'a>, ln_least: f64) -> Self {
        let Corridor { m, total, .. } = corridor;
        let labels = Binomial::with_odds(m as f64, (total - m) as f64);
        let hit = labels.pmf(m as u64, total as u64);
        Self::with(corridor, labels, Weighing::ByRest { hit }, hit * ln_least.exp())
    }

    /// The walk of the last of these tilts through a corridor with one bound. Its result is what leaves
    /// where no earlier tilt covers the exit, in multiples of `exp(ln_unit)`.
    pub(super) fn tilted(corridor: Corridor<'a>, tilts: &'a [Tilt], ln_unit: f64) -> Option<Self> {
        let weighing = Weighing::ByPlace { tilts, ln_unit };
        // What leaves somewhere covered is in the walk at least so often.
        Some(Self::with(corridor, tilts.last()?.labels, weighing, Tilt::LN_COVERED.exp()))
    }

    /// A walk of which what is left out is together less than 1e-17 of `least`.
    fn with(corridor: Corridor<'a>, labels: Binomial, weighing: Weighing<'a>, least: f64) -> Self {
        let Corridor { m, total, .. } = corridor;
        let dropped = 8.0 * (m as f64 + 1.0).powi(2);
        let negligible = (1e-17 * least / dropped).max(f64::MIN_POSITIVE);
        let affordable = if m <= ALWAYS_EXACT { usize::MAX } else { MAX_WORK };
        let trials = Trials { labels, m, total, negligible };
        Self { corridor, trials, weighing, affordable }
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
            if self.is_counted(&checkpoint) {
                left += self.weigh_below(time, front.below(lowest));
                left += self.weigh_above(time, front.above(highest));
            }
            front.cut(lowest, highest, negligible);
        }
        Some(left)
    }

    /// Whether what leaves at a checkpoint is this walk's to count.
    fn is_counted(&self, checkpoint: &Checkpoint) -> bool {
        match self.weighing {
            Weighing::ByRest { .. } => true,
            Weighing::ByPlace { tilts, .. } => {
                let covers = |exit: Exit| tilts.iter().position(|tilt| tilt.covers(exit));
                let first = self.corridor.exit(checkpoint).and_then(covers);
                first.is_some_and(|first| first + 1 == tilts.len())
            }
        }
    }

    /// What the probability of a walk at this time and with this count is multiplied with.
    fn weight(&self, time: usize, count: usize) -> f64 {
        let Trials { labels, m, total, .. } = self.trials;
        match self.weighing {
            Weighing::ByRest { hit } => labels.pmf((m - count) as u64, (total - time) as u64) / hit,
            Weighing::ByPlace { ln_unit, .. } => {
                let ln_probability = Exit { time, count }.ln_probability(&self.corridor);
                let ln_walk = labels.ln_pmf(count as u64, time as u64);
                (ln_probability - ln_unit - ln_walk).exp()
            }
        }
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
        let mut weight = self.weight(time, self.trials.m - least);
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
        let mut weight = self.weight(time, first);
        let mut sum = 0.0;
        for (needed, mass) in (0..=most).rev().zip(mass) {
            sum += mass * weight;
            weight *= needed as f64 / ((remaining - needed + 1) as f64 * self.trials.labels.odds());
        }
        sum
    }
}

/// Between a tenth and a fifth of a second.
const MAX_WORK: usize = 1 << 28;

/// Up to here, a p-value is exact however long it takes.
const ALWAYS_EXACT: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::super::{counted, ln_least};
    use super::*;
    use crate::Alternative;
    use crate::empirical::EmpiricalDistribution;
    use crate::pooled::{Deviation, Pooled};

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
                        let lattice = Lattice::new(corridor(), ln_least(&pooled, observed));
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
