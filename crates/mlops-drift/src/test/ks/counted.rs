use super::corridor::{Checkpoint, Corridor};

/// The largest smaller sample whose paths are counted: up to 2^53 values the counts are finite.
pub(super) const MOST: usize = 16;

/// The probability that a random relabelling leaves the corridor of a smaller sample of at most
/// [`MOST`] values: the number of paths that leave, divided by that of all.
///
/// Paths to a checkpoint are counted as the ways to place the labels before it: `C(gap, k)` for k
/// more labels. There are few checkpoints, and no logarithm is taken. The counts are exact up to
/// 2^53 and rounded in the last places above; all are positive.
pub(super) fn exit_probability(mut corridor: Corridor<'_>) -> f64 {
    let (m, total) = (corridor.m, corridor.total);
    // How many paths that are inside have so many labels.
    let mut inside = [0.0; MOST + 1];
    inside[0] = 1.0;
    let mut left = 0.0;
    while let Some(Checkpoint { time, gap, lowest, highest }) = corridor.next_checkpoint() {
        let more = ways(gap, m);
        let rest = ways(total - time, m);
        let mut reached = [0.0; MOST + 1];
        for labels in 0..=m {
            let counts = inside[..=labels].iter().zip(more[..=labels].iter().rev());
            let count: f64 = counts.map(|(inside, ways)| inside * ways).sum();
            if (lowest..=highest).contains(&labels) {
                reached[labels] = count;
            } else {
                left += count * rest[m - labels];
            }
        }
        inside = reached;
    }
    left / ways(total, m)[m]
}

/// `C(places, k)` for k up to `most`.
fn ways(places: usize, most: usize) -> [f64; MOST + 1] {
    let mut ways = [0.0; MOST + 1];
    ways[0] = 1.0;
    for k in 1..=most.min(places) {
        ways[k] = ways[k - 1] * (places - k + 1) as f64 / k as f64;
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_binomial_coefficients() {
        assert_eq!(ways(5, 7)[..8], [1.0, 5.0, 10.0, 10.0, 5.0, 1.0, 0.0, 0.0]);
        assert_eq!(ways(100_000, 2)[2], 4_999_950_000.0);
        assert!(ways(1 << 53, MOST)[MOST].is_finite());
    }
}
