use crate::Alternative;
use crate::pooled::{Deviation, Ends, Pooled};
use crate::special::hypergeometric;

/// Where the paths stay whose statistic is below the observed one.
///
/// Deal the labels out at random: among the first t of N = n + m pooled values, j are of the
/// smaller sample. The statistic stays below the observed one as long as `|j N - t m| < distance`
/// at every end of a run of ties, or `j N - t m` does so in one direction.
///
/// A path can leave at few times only: the last end before the upper bound rises, and the first one
/// at which the lower bound has risen. These are at most 2 m + 1 checkpoints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corridor<'a> {
    ends: Ends<'a>,
    /// The size of the smaller sample.
    pub(super) m: usize,
    /// The size of both samples.
    pub(super) total: usize,
    // Invariant: positive.
    distance: usize,
    /// Whether there is a lower bound.
    is_left_below: bool,
    /// Whether there is an upper bound.
    is_left_above: bool,
    /// The last checkpoint, and the lower bound there.
    time: usize,
    lowest: usize,
}

/// A time at which paths may leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    pub(super) time: usize,
    /// How many values later than the checkpoint before.
    pub(super) gap: usize,
    /// The smallest count inside of the corridor.
    pub(super) lowest: usize,
    /// The largest count inside of the corridor.
    pub(super) highest: usize,
}

/// A way to leave: so many values of the smaller sample among so many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) time: usize,
    pub(super) count: usize,
}

impl Exit {
    /// The logarithm of the probability that a random relabelling is there.
    pub(super) fn ln_probability(self, corridor: &Corridor<'_>) -> f64 {
        let Corridor { m, total, .. } = *corridor;
        let [count, time, m, total] = [self.count, self.time, m, total].map(|number| number as u64);
        hypergeometric::ln_pmf(count, time, m, total)
    }
}

impl<'a> Corridor<'a> {
    /// The corridor of an observed deviation, which is not 0; `None` if the samples are too large to
    /// compute its bounds.
    pub(super) fn new(
        pooled: &'a Pooled<'a>,
        observed: Deviation,
        alternative: Alternative,
    ) -> Option<Self> {
        let (reference, batch) = (pooled.reference_size(), pooled.batch_size());
        let m = reference.min(batch);
        let total = reference + batch;
        // No bound below computes more than this.
        total.checked_mul(m)?.checked_mul(4)?;
        // A batch with greater values has few of the smallest.
        let (with_few, with_many) = match alternative {
            Alternative::TwoSided => (true, true),
            Alternative::Greater => (true, false),
            Alternative::Less => (false, true),
        };
        let counts_batch = batch <= reference;
        Some(Self {
            ends: pooled.ends(),
            m,
            total,
            distance: usize::try_from(observed.distance).ok()?,
            is_left_below: if counts_batch { with_few } else { with_many },
            is_left_above: if counts_batch { with_many } else { with_few },
            time: 0,
            lowest: 0,
        })
    }

    /// The next time at which a path can leave that was inside so far; `None` if there is none.
    pub(super) fn next_checkpoint(&mut self) -> Option<Checkpoint> {
        let next = self.ends.advance_to(self.time + 1);
        let highest = self.highest(next);
        let before_rise = if highest == self.m {
            self.total
        } else {
            self.ends.last_to(((highest + 1) * self.total - self.distance) / self.m)
        };
        let rise = if self.is_left_below {
            (self.lowest * self.total + self.distance).div_ceil(self.m)
        } else {
            self.total
        };
        let time = if rise <= before_rise {
            self.ends.first_from(rise).min(before_rise)
        } else {
            before_rise
        };
        if time == self.total {
            return None;
        }
        let gap = time - self.time;
        (self.time, self.lowest) = (time, self.lowest(time));
        Some(Checkpoint { time, gap, lowest: self.lowest, highest: self.highest(time) })
    }

    /// Where a corridor with one bound can be left, next to it, at each checkpoint.
    pub(super) fn exits(mut self) -> impl Iterator<Item = Exit> {
        std::iter::from_fn(move || {
            let checkpoint = self.next_checkpoint()?;
            Some(self.exit(&checkpoint))
        })
        .flatten()
    }

    /// Where a corridor with one bound can be left at a checkpoint; `None` if it cannot.
    pub(super) fn exit(&self, checkpoint: &Checkpoint) -> Option<Exit> {
        let Checkpoint { time, lowest, highest, .. } = *checkpoint;
        let count = if self.is_left_below { lowest.checked_sub(1)? } else { highest + 1 };
        let is_possible = count <= self.m.min(time) && self.m - count <= self.total - time;
        is_possible.then_some(Exit { time, count })
    }

    fn lowest(&self, time: usize) -> usize {
        if !self.is_left_below {
            return 0;
        }
        (time * self.m).saturating_sub(self.distance - 1).div_ceil(self.total)
    }

    fn highest(&self, time: usize) -> usize {
        if !self.is_left_above {
            return self.m;
        }
        ((time * self.m + self.distance - 1) / self.total).min(self.m)
    }
}
