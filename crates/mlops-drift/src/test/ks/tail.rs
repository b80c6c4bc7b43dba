use super::corridor::{Corridor, Exit};
use super::lattice::{Lattice, Walk};
use crate::Alternative;
use crate::pooled::{Deviation, Pooled};
use crate::special::binomial::Binomial;

/// A probability of steps that makes a walk pass where a corridor is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tilt {
    pub(super) labels: Binomial,
}

impl Tilt {
    /// The logarithm of how often a walk is at least at an exit that it covers.
    pub(super) const LN_COVERED: f64 = -40.0;

    fn through(exit: Exit) -> Self {
        let (successes, failures) = (exit.count as f64, (exit.time - exit.count) as f64);
        // A half of either keeps the probability off 0 and 1.
        Self { labels: Binomial::with_odds(successes + 0.5, failures + 0.5) }
    }

    /// Whether the walk is often enough at an exit to tell how much leaves there.
    pub(super) fn covers(&self, exit: Exit) -> bool {
        self.labels.ln_pmf(exit.count as u64, exit.time as u64) >= Self::LN_COVERED
    }
}

/// The sides on which a path leaves, if it deviates.
fn sides(alternative: Alternative) -> impl Iterator<Item = Alternative> {
    [Alternative::Less, Alternative::Greater]
        .into_iter()
        .filter(move |side| alternative == Alternative::TwoSided || *side == alternative)
}

/// The logarithm of a probability that the p-value is not below: that of the most probable exit. It
/// costs a look at all checkpoints.
pub(super) fn ln_least(
    pooled: &Pooled<'_>,
    deviation: Deviation,
    alternative: Alternative,
) -> Option<f64> {
    let mut ln_least = f64::NEG_INFINITY;
    for side in sides(alternative) {
        let corridor = Corridor::new(pooled, deviation, side)?;
        ln_least = most_probable(corridor, &[]).map_or(ln_least, |(ln, _)| ln_least.max(ln));
    }
    Some(ln_least)
}

/// The logarithm of a small probability; `None` if it takes too long.
///
/// Two-sided, it is the sum of both sides: relabellings that leave on one side and then on the other
/// have to come back from twice as far out, which is the smaller a part of the probability the smaller
/// it is.
pub(super) fn ln_exit_probability(
    pooled: &Pooled<'_>,
    deviation: Deviation,
    alternative: Alternative,
    walk: &mut Walk,
) -> Option<f64> {
    let mut sum = f64::NEG_INFINITY;
    for side in sides(alternative) {
        let ln = ln_of_side(Corridor::new(pooled, deviation, side)?, walk)?;
        let (larger, smaller) = (sum.max(ln), sum.min(ln));
        if larger > f64::NEG_INFINITY {
            sum = larger + (smaller - larger).exp().ln_1p();
        }
    }
    Some(sum)
}

/// The same for a corridor with one bound.
///
/// One walk after the other is made to pass at the most probable exit that none has covered, until
/// those that are left are too improbable to matter. What leaves at a checkpoint is counted by the
/// first walk that covers it.
fn ln_of_side(corridor: Corridor<'_>, walk: &mut Walk) -> Option<f64> {
    let Some((ln_unit, exit)) = most_probable(corridor, &[]) else {
        return Some(f64::NEG_INFINITY);
    };
    // All others together are less than 1e-17 of that.
    let least = ln_unit - 40.0 - (2.0 * corridor.m as f64).ln_1p();
    let mut tilts = [Tilt::through(exit); MOST_TILTS];
    let mut sum = 0.0;
    for last in 0..MOST_TILTS {
        let walked = Lattice::tilted(corridor, &tilts[..=last], ln_unit)?;
        sum += walked.exit_probability(walk)?;
        match most_probable(corridor, &tilts[..=last]) {
            Some((ln, exit)) if ln >= least => *tilts.get_mut(last + 1)? = Tilt::through(exit),
            _ => return Some(sum.ln() + ln_unit),
        }
    }
    None
}

/// The exit that a random relabelling is most probably at, of those that no tilt covers, and the
/// logarithm of that probability; `None` if there is none.
fn most_probable(corridor: Corridor<'_>, tilts: &[Tilt]) -> Option<(f64, Exit)> {
    let exits = corridor.exits().filter(|exit| !tilts.iter().any(|tilt| tilt.covers(*exit)));
    let exits = exits.map(|exit| (exit.ln_probability(&corridor), exit));
    exits.max_by(|left, right| left.0.total_cmp(&right.0))
}

/// Without ties two or three are enough, with few different values one for each.
const MOST_TILTS: usize = 32;
