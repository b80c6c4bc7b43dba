use ndarray::ArrayView1;

/// The thresholds that a feature may be split at, ascending: a value's bin is the number of cuts that are not above
/// it, so that bins up to `k` are the values below cut `k`.
#[derive(Debug)]
pub(super) struct Cuts(Vec<f32>);

impl Cuts {
    /// At most `max_bin - 1` cuts: halfway between distinct values where there are few enough of these, else at the
    /// quantiles.
    pub(super) fn of(values: &ArrayView1<'_, f32>, max_bin: usize) -> Self {
        let mut sorted: Vec<f32> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(f32::total_cmp);
        let mut distinct = sorted.clone();
        distinct.dedup();
        let mut cuts: Vec<f32> = if distinct.len() <= max_bin {
            distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect()
        } else {
            (1..max_bin).map(|k| sorted[k * sorted.len() / max_bin]).collect()
        };
        cuts.dedup();
        // A cut at the smallest value has nothing below it.
        cuts.retain(|cut| *cut > sorted[0]);
        Self(cuts)
    }

    /// The bin of a value that is there.
    pub(super) fn bin(&self, value: f32) -> usize {
        self.0.partition_point(|cut| *cut <= value)
    }

    /// The number of bins of values that are there.
    pub(super) fn n_bins(&self) -> usize {
        self.0.len() + 1
    }

    /// The threshold below which the bins up to `bin` lie.
    pub(super) fn threshold(&self, bin: usize) -> f32 {
        self.0[bin]
    }
}

/// A number in `(low, high]`, as close to the middle as rounding allows.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) * 0.5;
    if middle > low && middle <= high { middle } else { high }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayView1;

    use super::*;

    fn cuts(values: &[f32], max_bin: usize) -> Vec<f32> {
        Cuts::of(&ArrayView1::from(values), max_bin).0
    }

    #[test]
    fn few_values_are_cut_halfway() {
        assert_eq!(cuts(&[3.0, 1.0, f32::NAN, 1.0, 2.0], 256), [1.5, 2.5]);
        assert_eq!(cuts(&[1.0, 1.0_f32.next_up()], 256), [1.0_f32.next_up()]);
        assert_eq!(cuts(&[f32::MIN, f32::MAX], 256), [f32::MAX]);
    }

    #[test]
    fn many_values_are_cut_at_quantiles() {
        let values: Vec<f32> = (0_u8..100).map(f32::from).collect();
        assert_eq!(cuts(&values, 4), [25.0, 50.0, 75.0]);
        let mostly_zero: Vec<f32> =
            (0_u8..100).map(|value| f32::from(value.saturating_sub(90))).collect();
        assert_eq!(cuts(&mostly_zero, 5), [] as [f32; 0]);
    }

    #[test]
    fn constant_and_missing_columns_have_one_bin() {
        assert_eq!(cuts(&[7.0; 3], 256), [] as [f32; 0]);
        assert_eq!(cuts(&[f32::NAN; 3], 256), [] as [f32; 0]);
        assert_eq!(cuts(&[-0.0, 0.0], 256), [] as [f32; 0]);
    }

    proptest::proptest! {
        #[test]
        fn the_bin_of_a_value_tells_on_which_side_of_every_cut_it_lies(
            values in proptest::collection::vec(-1e3_f32..1e3, 1..60), max_bin in 2_usize..20,
        ) {
            let cuts = Cuts::of(&ArrayView1::from(&values), max_bin);
            proptest::prop_assert!(cuts.n_bins() <= max_bin);
            for &value in &values {
                for bin in 0..cuts.n_bins() - 1 {
                    proptest::prop_assert_eq!(cuts.bin(value) <= bin, value < cuts.threshold(bin));
                }
            }
        }
    }
}
