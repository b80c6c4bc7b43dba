use ndarray::Array2;

use super::cuts::Cuts;

/// A matrix whose values are replaced by bins. The bins of all features are numbered through: those of values that are
/// there first, then the one of missing values, feature by feature.
#[derive(Debug)]
pub(super) struct Binned {
    cuts: Vec<Cuts>,
    offsets: Vec<usize>,
    // Row-major.
    bins: Vec<u32>,
}

impl Binned {
    pub(super) fn new(values: &Array2<f32>, max_bin: usize) -> Self {
        let cuts: Vec<Cuts> =
            values.columns().into_iter().map(|column| Cuts::of(&column, max_bin)).collect();
        let mut offsets = vec![0];
        for cuts in &cuts {
            offsets.push(offsets[offsets.len() - 1] + cuts.n_bins() + 1);
        }
        let bins = values.indexed_iter().map(|((_, feature), &value)| {
            let cuts = &cuts[feature];
            let bin =
                offsets[feature] + if value.is_nan() { cuts.n_bins() } else { cuts.bin(value) };
            u32::try_from(bin).unwrap_or(u32::MAX)
        });
        Self { bins: bins.collect(), offsets, cuts }
    }

    pub(super) fn n_features(&self) -> usize {
        self.cuts.len()
    }

    /// The number of bins of all features.
    pub(super) fn n_bins(&self) -> usize {
        self.offsets[self.n_features()]
    }

    /// The bins of a feature's values that are there.
    pub(super) fn present(&self, feature: usize) -> std::ops::Range<usize> {
        self.offsets[feature]..self.missing(feature)
    }

    /// The bin of a feature's missing values.
    pub(super) fn missing(&self, feature: usize) -> usize {
        self.offsets[feature + 1] - 1
    }

    /// The bins of one row, one per feature.
    pub(super) fn row(&self, row: u32) -> &[u32] {
        &self.bins[row as usize * self.n_features()..][..self.n_features()]
    }

    /// The threshold below which the feature's bins up to `bin` lie.
    pub(super) fn threshold(&self, feature: usize, bin: usize) -> f32 {
        self.cuts[feature].threshold(bin - self.offsets[feature])
    }
}
