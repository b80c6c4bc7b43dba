use std::ops::Range;

use super::cuts::Cuts;
use super::dataset::Dataset;

/// A matrix whose values are replaced by bins, counted per feature: those of values that are there first, then the one of
/// missing values. Histograms have a place for each, feature by feature.
#[derive(Debug)]
pub(super) struct Binned {
    cuts: Vec<Cuts>,
    places: Vec<usize>,
    has_missing: Vec<bool>,
    // Row-major.
    bins: Vec<u16>,
}

impl Binned {
    pub(super) fn new(dataset: &Dataset, max_bin: usize) -> Self {
        let columns = dataset.values.columns();
        let weigh = |(row, value): (usize, &f32)| (*value, dataset.weight(row));
        let cuts: Vec<Cuts> = columns
            .into_iter()
            .map(|column| Cuts::of(column.iter().enumerate().map(weigh), max_bin))
            .collect();
        let mut places = vec![0];
        for cuts in &cuts {
            places.push(places[places.len() - 1] + cuts.n_bins() + 1);
        }
        let mut has_missing = vec![false; cuts.len()];
        let bins = dataset.values.indexed_iter().map(|((_, feature), value)| {
            let cuts = &cuts[feature];
            has_missing[feature] |= value.is_nan();
            let bin = if value.is_nan() { cuts.n_bins() } else { cuts.bin(*value) };
            // Parameters allow no more bins.
            u16::try_from(bin).unwrap_or(u16::MAX)
        });
        let bins = bins.collect();
        Self { cuts, places, has_missing, bins }
    }

    pub(super) fn n_features(&self) -> usize {
        self.cuts.len()
    }

    /// Whether any row misses the feature.
    pub(super) fn has_missing(&self, feature: usize) -> bool {
        self.has_missing[feature]
    }

    /// The number of places of a histogram.
    pub(super) fn n_places(&self) -> usize {
        self.places[self.n_features()]
    }

    /// Where the bins of a feature begin in a histogram.
    pub(super) fn place(&self, feature: usize) -> usize {
        self.places[feature]
    }

    /// The places of a feature's values that are there.
    pub(super) fn present(&self, feature: usize) -> Range<usize> {
        self.places[feature]..self.places[feature + 1] - 1
    }

    /// The bins of one row, one per feature.
    pub(super) fn row(&self, row: u32) -> &[u16] {
        &self.bins[row as usize * self.n_features()..][..self.n_features()]
    }

    /// The threshold below which the first `n_bins` bins of a feature lie.
    pub(super) fn threshold(&self, feature: usize, n_bins: usize) -> f32 {
        self.cuts[feature].threshold(n_bins)
    }

    /// Whether a row has one of the first `n_bins` bins of a feature; `default` says it of a missing value.
    pub(super) fn is_below(&self, row: u32, feature: usize, n_bins: usize, default: bool) -> bool {
        let bin = usize::from(self.row(row)[feature]);
        if bin == self.cuts[feature].n_bins() { default } else { bin < n_bins }
    }
}
