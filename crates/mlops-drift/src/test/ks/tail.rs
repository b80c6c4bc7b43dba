use super::corridor::Corridor;
use super::lattice::{Lattice, Walk};
use crate::Alternative;
use crate::pooled::{Deviation, Pooled};

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
    let mut side = |alternative: Alternative| {
        let corridor = Corridor::new(pooled, deviation, alternative)?;
        // Nothing leaves where no end of a run is far enough out.
        let Some((lattice, ln_unit)) = Lattice::tilted(corridor) else {
            return Some(f64::NEG_INFINITY);
        };
        Some(lattice.exit_probability(walk)?.ln() + ln_unit)
    };
    match alternative {
        Alternative::TwoSided => {
            let (less, greater) = (side(Alternative::Less)?, side(Alternative::Greater)?);
            let (larger, smaller) = (less.max(greater), less.min(greater));
            Some(larger + (smaller - larger).exp().ln_1p())
        }
        one_sided => side(one_sided),
    }
}
