/// Who trains; the booster is the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum Threads {
    /// The caller alone.
    One,
    /// The threads of rayon's current pool.
    #[cfg(feature = "rayon")]
    Pool,
}

/// Work of fewer nanoseconds is done before others have begun with it.
const WORTH: usize = 1 << 17;

impl Threads {
    /// Who does work that takes one thread so many nanoseconds, roughly.
    pub(super) fn for_work(self, nanoseconds: usize) -> Self {
        if nanoseconds < WORTH { Self::One } else { self }
    }

    /// How many they are.
    pub(super) fn count(self) -> usize {
        match self {
            Self::One => 1,
            #[cfg(feature = "rayon")]
            Self::Pool => rayon::current_num_threads(),
        }
    }

    /// What comes of each part of some work.
    pub(super) fn map<T: Send, R: Send>(
        self,
        parts: impl Iterator<Item = T>,
        work: impl Fn(T) -> R + Send + Sync,
    ) -> Vec<R> {
        match self {
            Self::One => parts.map(work).collect(),
            #[cfg(feature = "rayon")]
            Self::Pool => {
                use rayon::iter::{IntoParallelIterator, ParallelIterator};
                parts.collect::<Vec<T>>().into_par_iter().map(work).collect()
            }
        }
    }

    /// Fills the values of rows, of which each has `width`; `fill` gets those from a row on.
    pub(super) fn fill<T: Send>(
        self,
        values: &mut [T],
        width: usize,
        fill: impl Fn(usize, &mut [T]) + Send + Sync,
    ) {
        let n_rows = values.len().div_ceil(width).div_ceil(self.count()).max(1);
        let parts = (0..).step_by(n_rows).zip(values.chunks_mut(n_rows * width));
        self.map(parts, |(row, values)| fill(row, values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_and_parts_come_in_their_order() {
        for threads in [
            Threads::One,
            #[cfg(feature = "rayon")]
            Threads::Pool,
        ] {
            for n_rows in [0, 1, 2, 99] {
                let mut values = vec![0; 3 * n_rows];
                threads.fill(&mut values, 3, |row, values| {
                    for (row, values) in (row..).zip(values.chunks_exact_mut(3)) {
                        values.copy_from_slice(&[row, 2 * row, 3 * row]);
                    }
                });
                let expected = (0..n_rows).flat_map(|row| [row, 2 * row, 3 * row]);
                assert_eq!(values, expected.collect::<Vec<_>>());
                let squares = threads.map(0..n_rows, |row| row * row);
                assert_eq!(squares, (0..n_rows).map(|row| row * row).collect::<Vec<_>>());
            }
            assert_eq!(threads.for_work(1).count(), 1);
            assert_eq!(threads.for_work(1 << 30).count(), threads.count());
        }
    }
}
