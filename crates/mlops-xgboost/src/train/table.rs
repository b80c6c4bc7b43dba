use std::hint::black_box;

use ndarray::ArrayView2;

use super::bits::WORD;
use super::cuts::Cuts;
use super::histogram::{Gradient, Sum};
use super::partition::partition;
use super::split::Split;
use super::threads::Threads;

/// Bins by row, which histograms read, and by feature, which splits read.
#[derive(Debug)]
pub(super) struct Table<B> {
    n_rows: usize,
    n_features: usize,
    by_row: Vec<B>,
    by_feature: Vec<Vec<B>>,
}

/// So many rows are fetched together.
const TOGETHER: usize = 32;
/// Rows with so many bins from one to the next are far apart: a processor does not foresee which is next.
const FAR: usize = 128;

impl<B: Copy + Default + Send + Sync + TryFrom<usize> + Into<usize>> Table<B> {
    pub(super) fn new(values: ArrayView2<'_, f32>, cuts: &[Cuts], threads: Threads) -> Self {
        let (n_rows, n_features) = values.dim();
        let threads = threads.for_work(10 * values.len());
        let columns = values.columns().into_iter().zip(cuts);
        let by_feature = threads.map(columns, |(column, cuts)| {
            let bin = |value: &f32| if value.is_nan() { cuts.n_bins() } else { cuts.bin(*value) };
            // The width was chosen for all bins.
            let bins = column.iter().map(|value| B::try_from(bin(value)).unwrap_or_default());
            bins.collect::<Vec<B>>()
        });
        let mut by_row = vec![B::default(); n_rows * n_features];
        threads.fill(&mut by_row, n_features, |first, bins| {
            for (row, bins) in (first..).zip(bins.chunks_exact_mut(n_features)) {
                for (bin, column) in bins.iter_mut().zip(&by_feature) {
                    *bin = column[row];
                }
            }
        });
        Self { n_rows, n_features, by_row, by_feature }
    }

    /// Adds the gradients of rows to the places of their bins; each feature comes with the place of its first bin.
    pub(super) fn add_up(
        &self,
        places: &[(usize, usize)],
        rows: &[u32],
        gradients: &[Gradient],
        sums: &mut [Sum],
    ) {
        let (Some((first, _)), Some((last, _))) = (places.first(), places.last()) else { return };
        let are_adjacent = last - first + 1 == places.len();
        let are_far_apart = self.n_rows / rows.len().max(1) * self.n_features > FAR;
        for rows in rows.chunks(TOGETHER) {
            if are_far_apart {
                self.fetch(rows, gradients);
            }
            for &row in rows {
                let gradient = Sum::from(gradients[row as usize]);
                let bins = self.row(row);
                if are_adjacent {
                    for (bin, (_, place)) in bins[*first..].iter().zip(places) {
                        sums[place + (*bin).into()] += gradient;
                    }
                } else {
                    for (feature, place) in places {
                        sums[place + bins[*feature].into()] += gradient;
                    }
                }
            }
        }
    }

    /// Sets the bits of the places of rows.
    pub(super) fn touch(&self, places: &[(usize, usize)], rows: &[u32], touched: &mut [u64]) {
        for &row in rows {
            let bins = self.row(row);
            for (feature, place) in places {
                let place = place + bins[*feature].into();
                touched[place / WORD] |= 1 << (place % WORD);
            }
        }
    }

    /// Moves the rows that go left before the others, both in their order, and returns their number.
    pub(super) fn partition(
        &self,
        split: &Split,
        missing: usize,
        rows: &mut [u32],
        scratch: &mut Vec<u32>,
        threads: Threads,
    ) -> usize {
        let bins = self.by_feature[split.feature].as_slice();
        let Split { n_left, default_left, .. } = *split;
        let bin = |row: usize| -> usize { bins[row].into() };
        let (is_below, is_missing) = (move |row| bin(row) < n_left, move |row| bin(row) == missing);
        partition(rows, scratch, default_left, is_below, is_missing, threads)
    }

    fn row(&self, row: u32) -> &[B] {
        &self.by_row[row as usize * self.n_features..][..self.n_features]
    }

    /// Looks at rows, so that all come from memory at the same time.
    fn fetch(&self, rows: &[u32], gradients: &[Gradient]) {
        let seen = rows.iter().fold(0, |seen, row| {
            let bin: usize = self.by_row[*row as usize * self.n_features].into();
            seen ^ bin ^ gradients[*row as usize].first.to_bits() as usize
        });
        black_box(seen);
    }
}
