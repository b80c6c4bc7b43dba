use super::histogram::Sum;
use super::weight::Weights;

/// The splits of one feature in one direction. The memory is used again for the next ones.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// What is on the side that grows.
    sums: Vec<Sum>,
    gains: Vec<f32>,
}

/// A split of a sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Swept {
    /// Which bin is the last on the side that grows, counted from 0 in the order of the sweep.
    pub(super) at: usize,
    pub(super) sum: Sum,
    pub(super) gain: f32,
}

impl Sweep {
    /// Adds up bin after bin.
    pub(super) fn begin<'b>(&mut self, bins: impl Iterator<Item = (usize, &'b Sum)>) {
        self.sums.clear();
        let mut sum = Sum::default();
        bins.for_each(|(_, bin)| {
            sum += *bin;
            self.sums.push(sum);
        });
    }

    /// The first of those with the largest gain, if that is above `least`, among splits of `total` whose sides are heavy
    /// enough.
    pub(super) fn best(
        &mut self,
        total: Sum,
        weights: Weights,
        least: f32,
        gain: impl Fn(Sum) -> f32,
    ) -> Option<Swept> {
        let Self { sums, gains } = self;
        // Hessians are not negative.
        let first = sums.partition_point(|sum| !weights.is_heavy_enough(*sum));
        let end = sums.partition_point(|sum| weights.is_heavy_enough(total - *sum));
        let sums = sums.get(first..end)?;
        gains.clear();
        gains.extend(sums.iter().map(|sum| gain(*sum)));
        let largest = largest(gains, least);
        if largest <= least {
            return None;
        }
        let at = gains.iter().position(|gain| *gain == largest)?;
        Some(Swept { at: first + at, sum: sums[at], gain: largest })
    }
}

/// The largest of the gains and `least`; what is not a number is none.
fn largest(gains: &[f32], least: f32) -> f32 {
    let larger = |one: f32, other: f32| if other > one { other } else { one };
    // Several at a time, so that none waits for the one before.
    let (chunks, rest) = gains.as_chunks::<4>();
    let mut lanes = [least; 4];
    for chunk in chunks {
        for (lane, gain) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *gain);
        }
    }
    lanes.into_iter().chain(rest.iter().copied()).fold(least, larger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Params;

    /// What is best of a sweep through bins that weigh 1 each, where both sides must have two of them.
    fn best(n_bins: usize, least: f32, gain: impl Fn(f64) -> f32) -> Option<(usize, f32)> {
        let bins = vec![Sum { first: 0.0, second: 1.0 }; n_bins];
        let total = bins.iter().fold(Sum::default(), |total, bin| total + *bin);
        let weights = Weights::new(&Params::default().min_child_weight(2.0));
        let mut sweep = Sweep::default();
        sweep.begin(bins.iter().enumerate());
        let swept = sweep.best(total, weights, least, |sum| gain(sum.second));
        swept.map(|swept| (swept.at, swept.gain))
    }

    #[test]
    fn the_first_of_the_largest_gains_wins_if_it_is_large_enough() {
        let gain = |weight| if [6.0, 13.0].contains(&weight) { 2.0 } else { 1.0 };
        assert_eq!(best(20, 0.0, gain), Some((5, 2.0)));
        assert_eq!(best(20, 1.5, gain), Some((5, 2.0)));
        assert_eq!(best(20, 2.0, gain), None);
        assert_eq!(best(7, 0.0, gain), Some((1, 1.0)), "beside six there is but one");
        assert_eq!(best(3, 0.0, gain), None);
        assert_eq!(best(0, 0.0, gain), None);
    }

    #[test]
    fn what_is_not_a_number_is_no_gain() {
        assert_eq!(best(20, 0.0, |_| f32::NAN), None);
        let gain = |weight| if weight == 12.0 { 1.0 } else { f32::NAN };
        assert_eq!(best(20, 0.0, gain), Some((11, 1.0)));
    }
}
