use std::hint::black_box;

use ndarray::ArrayView2;

use super::bits::WORD;
use super::cuts::Cuts;
use super::histogram::{Gradient, Sum};
use super::partition::partition;
use super::split::Split;

/// Bins by row, which histograms read, and by feature, which splits read.
#[derive(Debug)]
pub(super) struct Table<B> {
    n_rows: usize,
    n_features: usize,
    by_row: Vec<B>,
    by_feature: Vec<B>,
}

/// So many rows are fetched together.
const TOGETHER: usize = 32;
/// Rows with so many bins from one to the next are far apart: a processor does not foresee which is next.
const FAR: usize = 128;

impl<B: Copy + Default + TryFrom<usize> + Into<usize>> Table<B> {
    pub(super) fn new(values: ArrayView2<'_, f32>, cuts: &[Cuts]) -> Self {
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

    /// Adds the gradients of rows to the places of their bins; each feature comes with the place of its first bin.
    pub(super) fn add_up(
        &self,
        places: &[(usize, usize)],
        rows: &[u32],
        gradients: &[Gradient],
        sums: &mut [Sum],
    ) {
        let uses_all = places.len() == self.n_features;
        let are_far_apart = self.n_rows / rows.len().max(1) * self.n_features > FAR;
        for rows in rows.chunks(TOGETHER) {
            if are_far_apart {
                self.fetch(rows, gradients);
            }
            for &row in rows {
                let gradient = Sum::from(gradients[row as usize]);
                if uses_all {
                    for (bin, (_, place)) in self.row(row).iter().zip(places) {
                        sums[place + (*bin).into()] += gradient;
                    }
                } else {
                    let bins = self.row(row);
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
    ) -> usize {
        let bins = &self.by_feature[split.feature * self.n_rows..][..self.n_rows];
        let bin = |row: usize| -> usize { bins[row].into() };
        let is_below = |row| bin(row) < split.n_left;
        partition(rows, scratch, split.default_left, is_below, |row| bin(row) == missing)
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
