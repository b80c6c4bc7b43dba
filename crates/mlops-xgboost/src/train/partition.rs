use super::threads::Threads;

/// Moves the rows that are below a threshold, and by default those whose value is missing, before the others, all in their
/// order, and returns their number.
pub(super) fn partition(
    rows: &mut [u32],
    scratch: &mut Vec<u32>,
    default_left: bool,
    is_below: impl Fn(usize) -> bool + Copy + Send + Sync,
    is_missing: impl Fn(usize) -> bool + Copy + Send + Sync,
    threads: Threads,
) -> usize {
    let n_rows = rows.len();
    scratch.resize(scratch.len().max(n_rows), 0);
    let threads = threads.for_work(2 * n_rows);
    let len = n_rows.div_ceil(threads.count()).max(1);
    let parts = rows.chunks_mut(len).zip(scratch.chunks_mut(len));
    // A lazy operator is a branch.
    let goes_left = move |row| is_below(row) | (default_left & is_missing(row));
    let n_left = threads.map(parts, move |(rows, scratch)| divide(rows, scratch, goes_left));
    let mut end = 0;
    for (first, n_left) in (0..).step_by(len).zip(&n_left) {
        rows.copy_within(first..first + n_left, end);
        end += n_left;
    }
    let n_all_left = end;
    for (first, n_left) in (0..).step_by(len).zip(n_left) {
        let n_right = len.min(n_rows - first) - n_left;
        rows[end..end + n_right].copy_from_slice(&scratch[first..first + n_right]);
        end += n_right;
    }
    n_all_left
}

/// Moves the rows that go left to the front, and writes the others to `scratch`, both in their order.
fn divide(rows: &mut [u32], scratch: &mut [u32], goes_left: impl Fn(usize) -> bool) -> usize {
    let (mut n_left, mut n_right) = (0, 0);
    for index in 0..rows.len() {
        let row = rows[index];
        // No branch: which way a row goes is not to be foreseen. Both are written, and one of them counts.
        let goes_left = goes_left(row as usize);
        rows[n_left] = row;
        scratch[n_right] = row;
        n_left += usize::from(goes_left);
        n_right += usize::from(!goes_left);
    }
    n_left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(rows: &mut [u32], default_left: bool, threshold: usize, threads: Threads) -> usize {
        let (is_below, is_missing) = (|row| row < threshold, |row| row == 13);
        partition(rows, &mut Vec::new(), default_left, is_below, is_missing, threads)
    }

    #[test]
    fn both_sides_keep_their_order() {
        let mut rows = [21, 1, 8, 3, 5, 13, 2];
        assert_eq!(split(&mut rows, false, 4, Threads::One), 3);
        assert_eq!(rows, [1, 3, 2, 21, 8, 5, 13]);
        assert_eq!(split(&mut rows, true, 3, Threads::One), 3);
        assert_eq!(rows, [1, 2, 13, 3, 21, 8, 5]);
        assert_eq!(split(&mut rows[3..], true, 100, Threads::One), 4);
        assert_eq!(split(&mut rows[..0], true, 100, Threads::One), 0);
        assert_eq!(rows, [1, 2, 13, 3, 21, 8, 5]);
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn many_rows_are_divided_by_several() {
        let rows: Vec<u32> = (0..200_003).map(|row| row * 7919 % 200_003).collect();
        let (mut alone, mut together) = (rows.clone(), rows);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let n_left = pool.install(|| split(&mut together, true, 60_000, Threads::Pool));
        assert_eq!(n_left, split(&mut alone, true, 60_000, Threads::One));
        assert!(together == alone);
    }
}
