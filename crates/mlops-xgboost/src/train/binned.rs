use std::ops::Range;

use ndarray::ArrayView1;

use super::bits::WORD;
use super::cuts::Cuts;
use super::dataset::Dataset;
use super::histogram::{Gradient, Sum};
use super::split::Split;
use super::table::Table;
use super::threads::Threads;

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
    pub(super) fn new(dataset: &Dataset, max_bin: usize, threads: Threads) -> Self {
        let columns = dataset.values.columns().into_iter();
        let weigh = |(row, value): (usize, &f32)| (*value, dataset.weight(row));
        let look = |column: ArrayView1<'_, f32>| {
            let has_missing = column.iter().any(|value| value.is_nan());
            (has_missing, Cuts::of(column.iter().enumerate().map(weigh), max_bin))
        };
        let looks = threads.for_work(50 * dataset.values.len()).map(columns, look);
        let (has_missing, cuts): (Vec<bool>, Vec<Cuts>) = looks.into_iter().unzip();
        let mut places = vec![0];
        for cuts in &cuts {
            let n_places = (cuts.n_bins() + 1).next_multiple_of(WORD);
            places.push(places[places.len() - 1] + n_places);
        }
        let n_used = cuts.iter().zip(&has_missing);
        let n_used = n_used.map(|(cuts, has_missing)| cuts.n_bins() + usize::from(*has_missing));
        let values = dataset.values.view();
        let bins = if n_used.max() <= Some(1 << 8) {
            Bins::Narrow(Table::new(values, &cuts, threads))
        } else {
            Bins::Wide(Table::new(values, &cuts, threads))
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
        self.places[feature]..self.places[feature] + self.cuts[feature].n_bins()
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
        threads: Threads,
    ) {
        let threads = threads.for_work(rows.len() * features.len());
        let (mut parts, mut sums, mut first) = (Vec::new(), sums, 0);
        for features in features.chunks(features.len().div_ceil(threads.count())) {
            let end = self.places[features[features.len() - 1] + 1];
            let (part, others) = sums.split_at_mut(end - first);
            parts.push((self.places_of(features, first), part));
            (sums, first) = (others, end);
        }
        threads.map(parts.into_iter(), |(places, sums)| match &self.bins {
            Bins::Narrow(table) => table.add_up(&places, rows, gradients, sums),
            Bins::Wide(table) => table.add_up(&places, rows, gradients, sums),
        });
    }

    /// Sets the bits of the places of rows.
    pub(super) fn touch(&self, features: &[usize], rows: &[u32], touched: &mut [u64]) {
        let places = self.places_of(features, 0);
        match &self.bins {
            Bins::Narrow(table) => table.touch(&places, rows, touched),
            Bins::Wide(table) => table.touch(&places, rows, touched),
        }
    }

    /// Moves the rows that go left before the others, both in their order, and returns their number.
    pub(super) fn partition(
        &self,
        split: &Split,
        rows: &mut [u32],
        scratch: &mut Vec<u32>,
        threads: Threads,
    ) -> usize {
        let missing = self.cuts[split.feature].n_bins();
        match &self.bins {
            Bins::Narrow(table) => table.partition(split, missing, rows, scratch, threads),
            Bins::Wide(table) => table.partition(split, missing, rows, scratch, threads),
        }
    }
    /// Features with the places of their first bins, counted from one.
    fn places_of(&self, features: &[usize], first: usize) -> Vec<(usize, usize)> {
        features.iter().map(|feature| (*feature, self.places[*feature] - first)).collect()
    }
}
