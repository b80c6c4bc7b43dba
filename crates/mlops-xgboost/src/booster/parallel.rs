//! Rows in parallel.

use ndarray::{ArrayView2, s};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::Booster;
use crate::Error;

/// How many rows a task takes: some tenth of a millisecond, far more than handing it over costs.
const TASK: usize = 256;

impl Booster {
    /// As [`margins_into`](Self::margins_into), on the threads of rayon's current pool; the bits are the same.
    ///
    /// Worth while from about a thousand rows on.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    ///
    /// # Panics
    /// If `margins` has not one place per row and output.
    #[track_caller]
    pub fn par_margins_into<V: Copy + Into<f64> + Sync>(
        &self,
        rows: ArrayView2<'_, V>,
        margins: &mut [f32],
    ) -> Result<(), Error> {
        self.in_parallel(rows, margins, self.n_outputs(), Self::margins_into)
    }

    /// As [`predict_into`](Self::predict_into), on the threads of rayon's current pool; the bits are the same.
    ///
    /// Worth while from about a thousand rows on.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    ///
    /// # Panics
    /// If `predictions` has not [`n_predictions`](Self::n_predictions) places per row.
    #[track_caller]
    pub fn par_predict_into<V: Copy + Into<f64> + Sync>(
        &self,
        rows: ArrayView2<'_, V>,
        predictions: &mut [f32],
    ) -> Result<(), Error> {
        self.in_parallel(rows, predictions, self.n_predictions(), Self::predict_into)
    }

    /// Lets `compute` fill the places of some rows at a time, which are `width` for each.
    #[track_caller]
    fn in_parallel<'r, V: Sync>(
        &self,
        rows: ArrayView2<'r, V>,
        places: &mut [f32],
        width: usize,
        compute: impl Fn(&Self, ArrayView2<'r, V>, &mut [f32]) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        self.check(rows.dim(), places.len(), width)?;
        places.par_chunks_mut(TASK * width).enumerate().try_for_each(|(task, places)| {
            let first = task * TASK;
            let n_rows = places.len() / width;
            compute(self, rows.slice_move(s![first..first + n_rows, ..]), places)
        })
    }
}
