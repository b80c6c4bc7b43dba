use std::ops::Range;

use ndarray::ArrayView2;

use super::cuts::Cuts;
use super::dataset::Dataset;
use super::histogram::{Gradient, Sum};
use super::split::Split;

/// A matrix whose values are replaced by bins, counted per feature: those of values that are there first, then the one of
/// missing values. Histograms have a place for each, feature by feature.
#[derive(Debug)]
pub(super) struct Binned {
    cuts: Vec<Cuts>,
    has_missing: Vec<bool>,
    places: Vec<usize>,
    bins: Bins,
}

/// The bins, in as few bytes as they need.
#[derive(Debug)]
enum Bins {
    Narrow(Table<u8>),
    Wide(Table<u16>),
}

impl Binned {
    pub(super) fn new(dataset: &Dataset, max_bin: usize) -> Self {
        let columns = dataset.values.columns().into_iter();
        let has_missing = columns.clone().map(|column| column.iter().any(|value| value.is_nan()));
        let has_missing: Vec<bool> = has_missing.collect();
        let weigh = |(row, value): (usize, &f32)| (*value, dataset.weight(row));
        let cuts = columns.map(|column| Cuts::of(column.iter().enumerate().map(weigh), max_bin));
        let cuts: Vec<Cuts> = cuts.collect();
        let mut places = vec![0];
        for cuts in &cuts {
            places.push(places[places.len() - 1] + cuts.n_bins() + 1);
        }
        let n_used = cuts.iter().zip(&has_missing);
        let n_used = n_used.map(|(cuts, has_missing)| cuts.n_bins() + usize::from(*has_missing));
        let values = dataset.values.view();
        let bins = if n_used.max() <= Some(1 << 8) {
            Bins::Narrow(Table::new(values, &cuts))
        } else {
            Bins::Wide(Table::new(values, &cuts))
        };
        Self { cuts, has_missing, places, bins }
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

    /// The places of a feature's values that are there.
    pub(super) fn present(&self, feature: usize) -> Range<usize> {
        self.places[feature]..self.places[feature + 1] - 1
    }

    /// The threshold below which the first `n_bins` bins of a feature lie.
    pub(super) fn threshold(&self, feature: usize, n_bins: usize) -> f32 {
        self.cuts[feature].threshold(n_bins)
    }

    /// Adds the gradients of rows to the places of their bins.
    pub(super) fn add_up(
        &self,
        features: &[usize],
        rows: &[u32],
        gradients: &[Gradient],
        sums: &mut [Sum],
    ) {
        let places: Vec<(usize, usize)> =
            features.iter().map(|feature| (*feature, self.places[*feature])).collect();
        match &self.bins {
            Bins::Narrow(table) => table.add_up(&places, rows, gradients, sums),
            Bins::Wide(table) => table.add_up(&places, rows, gradients, sums),
        }
    }

    /// Moves the rows that go left before the others, both in their order, and returns their number.
    pub(super) fn partition(
        &self,
        split: &Split,
        rows: &mut [u32],
        scratch: &mut Vec<u32>,
    ) -> usize {
        let missing = self.cuts[split.feature].n_bins();
        scratch.resize(scratch.len().max(rows.len()), 0);
        match &self.bins {
            Bins::Narrow(table) => table.partition(split, missing, rows, scratch),
            Bins::Wide(table) => table.partition(split, missing, rows, scratch),
        }
    }
}

/// So many rows are fetched together.
const TOGETHER: usize = 32;

/// Bins by row, which histograms read, and by feature, which splits read.
#[derive(Debug)]
struct Table<B> {
    n_rows: usize,
    n_features: usize,
    by_row: Vec<B>,
    by_feature: Vec<B>,
}

impl<B: Copy + Default + TryFrom<usize> + Into<usize>> Table<B> {
    fn new(values: ArrayView2<'_, f32>, cuts: &[Cuts]) -> Self {
        let (n_rows, n_features) = values.dim();
        let mut table = Self {
            n_rows,
            n_features,
            by_row: vec![B::default(); n_rows * n_features],
            by_feature: Vec::with_capacity(n_rows * n_features),
        };
        for (feature, (column, cuts)) in values.columns().into_iter().zip(cuts).enumerate() {
            for (row, value) in column.iter().enumerate() {
                let bin = if value.is_nan() { cuts.n_bins() } else { cuts.bin(*value) };
                // The width was chosen for all bins.
                let bin = B::try_from(bin).unwrap_or_default();
                table.by_feature.push(bin);
                table.by_row[row * n_features + feature] = bin;
            }
        }
        table
    }

    fn add_up(
        &self,
        places: &[(usize, usize)],
        rows: &[u32],
        gradients: &[Gradient],
        sums: &mut [Sum],
    ) {
        let uses_all = places.len() == self.n_features;
        let (mut bins, mut fetched) = (Vec::new(), Vec::new());
        // Rows stand far apart in memory: some are fetched together, then added.
        for rows in rows.chunks(TOGETHER) {
            bins.clear();
            fetched.clear();
            for &row in rows {
                bins.extend_from_slice(
                    &self.by_row[row as usize * self.n_features..][..self.n_features],
                );
                fetched.push(Sum::from(gradients[row as usize]));
            }
            for (bins, gradient) in bins.chunks_exact(self.n_features).zip(&fetched) {
                if uses_all {
                    for (bin, (_, place)) in bins.iter().zip(places) {
                        sums[place + (*bin).into()] += *gradient;
                    }
                } else {
                    for (feature, place) in places {
                        sums[place + bins[*feature].into()] += *gradient;
                    }
                }
            }
        }
    }

    fn partition(
        &self,
        split: &Split,
        missing: usize,
        rows: &mut [u32],
        scratch: &mut [u32],
    ) -> usize {
        let bins = &self.by_feature[split.feature * self.n_rows..][..self.n_rows];
        let (mut n_left, mut n_right) = (0, 0);
        for index in 0..rows.len() {
            let row = rows[index];
            let bin = bins[row as usize].into();
            // No branch: which way a row goes is not to be foreseen. Both are written, and one of them counts.
            #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
            let goes_left = (bin < split.n_left) | (split.default_left & (bin == missing));
            rows[n_left] = row;
            scratch[n_right] = row;
            n_left += usize::from(goes_left);
            n_right += usize::from(!goes_left);
        }
        rows[n_left..].copy_from_slice(&scratch[..n_right]);
        n_left
    }
}
