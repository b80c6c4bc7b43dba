/// The thresholds that a feature may be split at, ascending: a value's bin is the number of them that are not above it,
/// so that the first `k` bins are the values below the `k`-th threshold. The last one is above all values.
///
/// They are quantiles of the feature in the sense of the weighted sketch of Chen and Guestrin (2016), of which no more is
/// dropped than its last step does: values of the feature, one to each share of the weight.
#[derive(Debug)]
pub(super) struct Cuts(Vec<f32>);

impl Cuts {
    /// At most `max_bin` bins for values with weights; NaN is none.
    pub(super) fn of(values: impl Iterator<Item = (f32, f32)>, max_bin: usize) -> Self {
        let summary = pruned(summary(values), max_bin + 1);
        let (Some(smallest), Some(largest)) = (summary.first(), summary.last()) else {
            return Self(Vec::new());
        };
        let (smallest, largest) = (smallest.value, largest.value);
        let mut cuts: Vec<f32> = summary.iter().map(|point| point.value).collect();
        // Nothing is below the smallest value.
        cuts.retain(|value| *value > smallest);
        cuts.truncate(max_bin - 1);
        cuts.push((largest + (largest.abs() + 1e-5)).min(f32::MAX));
        Self(cuts)
    }

    /// The bin of a value that is there.
    pub(super) fn bin(&self, value: f32) -> usize {
        self.0.partition_point(|cut| *cut <= value).min(self.n_bins() - 1)
    }

    /// The number of bins; without any value there is none.
    pub(super) fn n_bins(&self) -> usize {
        self.0.len()
    }

    /// The threshold below which the first `n_bins` bins lie, which are at least one.
    pub(super) fn threshold(&self, n_bins: usize) -> f32 {
        self.0[n_bins - 1]
    }
}

/// A value, and the weight of the rows below it and up to it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    value: f32,
    below: f32,
    up_to: f32,
}

/// All distinct values, ascending.
fn summary(values: impl Iterator<Item = (f32, f32)>) -> Vec<Point> {
    let mut sorted: Vec<(f32, f32)> = values.filter(|(value, _)| !value.is_nan()).collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut below = 0.0_f64;
    #[expect(clippy::cast_possible_truncation, reason = "XGBoost ranks in 32 bits")]
    let point = |equal: &[(f32, f32)]| {
        let up_to = below + equal.iter().map(|(_, weight)| f64::from(*weight)).sum::<f64>();
        let point = Point { value: equal[0].0, below: below as f32, up_to: up_to as f32 };
        below = up_to;
        point
    };
    sorted.chunk_by(|(a, _), (b, _)| a == b).map(point).collect()
}

/// At most `max_len` of the points: the first, the last, and those nearest to ranks that are evenly spread between them.
fn pruned(points: Vec<Point>, max_len: usize) -> Vec<Point> {
    if points.len() <= max_len {
        return points;
    }
    let last = points.len() - 1;
    let begin = points[0].up_to;
    let range = points[last].below - begin;
    let n_steps = max_len - 1;
    let mut kept = vec![0];
    let mut at = 1;
    for step in 1..n_steps {
        let twice_rank = 2.0 * (step as f32 * range / n_steps as f32 + begin);
        while at < last && twice_rank >= points[at + 1].below + points[at + 1].up_to {
            at += 1;
        }
        if at == last {
            break;
        }
        let is_nearer = twice_rank < points[at].up_to + points[at + 1].below;
        kept.push(if is_nearer { at } else { at + 1 });
    }
    kept.push(last);
    kept.dedup();
    kept.into_iter().map(|index| points[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(values: &[f32], max_bin: usize) -> Vec<f32> {
        Cuts::of(values.iter().map(|value| (*value, 1.0)), max_bin).0
    }

    #[test]
    fn few_values_are_cut_at_each_but_the_smallest_and_above_the_largest() {
        assert_eq!(cuts(&[3.0, 1.0, f32::NAN, 1.0, 2.0], 256), [2.0, 3.0, 6.000_01]);
        assert_eq!(cuts(&[-1.0, -2.0], 256), [-1.0, -1.0 + 1.000_01]);
        assert_eq!(cuts(&[7.0; 3], 256), [14.000_01]);
        assert_eq!(cuts(&[-0.0, 0.0], 256), [1e-5]);
        assert_eq!(cuts(&[f32::NAN; 3], 256), [] as [f32; 0]);
        assert_eq!(cuts(&[f32::MIN, f32::MAX], 256), [f32::MAX; 2]);
    }

    #[test]
    fn many_values_are_cut_at_quantiles_of_their_weights() {
        let values = || (0_u8..100).map(f32::from);
        let even = Cuts::of(values().map(|value| (value, 1.0)), 4).0;
        assert_eq!(even, [25.0, 50.0, 74.0, 198.0]);
        let heavy = values().map(|value| (value, if value < 10.0 { 90.0 } else { 1.0 }));
        assert_eq!(Cuts::of(heavy, 4).0, [3.0, 5.0, 8.0, 198.0]);
    }

    proptest::proptest! {
        #[test]
        fn the_bin_of_a_value_tells_on_which_side_of_every_cut_it_lies(
            rows in proptest::collection::vec((-1e3_f32..1e3, 0.0_f32..3.0), 1..60), max_bin in 2_usize..20,
        ) {
            let cuts = Cuts::of(rows.iter().copied(), max_bin);
            proptest::prop_assert!((1..=max_bin).contains(&cuts.n_bins()));
            for (value, _) in rows {
                for n_bins in 1..=cuts.n_bins() {
                    proptest::prop_assert_eq!(cuts.bin(value) < n_bins, value < cuts.threshold(n_bins));
                }
            }
        }
    }
}
