use super::corridor::Corridor;
use super::lattice::{Lattice, Walk, most_probable};
use crate::Alternative;
use crate::pooled::{Deviation, Pooled};

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
        ln_least = most_probable(corridor).map_or(ln_least, |(ln, _)| ln_least.max(ln));
    }
    Some(ln_least)
}

/// The logarithm of a probability that is too small for the walk of an ordinary one; `None` if it
/// takes too long.
///
/// Where the probability is that small, to leave on one side and then on the other has no part in it:
/// two-sided, it is the sum of both sides. Each is a walk that is made to pass where it most probably
/// leaves.
pub(super) fn ln_exit_probability(
    pooled: &Pooled<'_>,
    deviation: Deviation,
    alternative: Alternative,
    walk: &mut Walk,
) -> Option<f64> {
    let mut sum = f64::NEG_INFINITY;
    for side in sides(alternative) {
        let corridor = Corridor::new(pooled, deviation, side)?;
        if let Some((lattice, ln_unit)) = Lattice::tilted(corridor) {
            let ln = lattice.exit_probability(walk)?.ln() + ln_unit;
            let (larger, smaller) = (sum.max(ln), sum.min(ln));
            sum = larger + (smaller - larger).exp().ln_1p();
        }
    }
    Some(sum)
}
