/// Moves the rows that are below a threshold, and by default those whose value is missing, before the others, all in their
/// order, and returns their number.
pub(super) fn partition(
    rows: &mut [u32],
    scratch: &mut Vec<u32>,
    default_left: bool,
    is_below: impl Fn(usize) -> bool,
    is_missing: impl Fn(usize) -> bool,
) -> usize {
    scratch.resize(scratch.len().max(rows.len()), 0);
    let scratch = &mut scratch[..rows.len()];
    let (mut n_left, mut n_right) = (0, 0);
    for index in 0..rows.len() {
        let row = rows[index];
        // No branch: which way a row goes is not to be foreseen. Both are written, and one of them counts.
        let goes_left = is_below(row as usize) | (default_left & is_missing(row as usize));
        rows[n_left] = row;
        scratch[n_right] = row;
        n_left += usize::from(goes_left);
        n_right += usize::from(!goes_left);
    }
    rows[n_left..].copy_from_slice(&scratch[..n_right]);
    n_left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_keep_their_order() {
        let mut scratch = Vec::new();
        let mut rows = [21, 1, 8, 3, 5, 13, 2];
        let mut split = |rows: &mut [u32], default_left, threshold| {
            partition(rows, &mut scratch, default_left, |row| row < threshold, |row| row == 13)
        };
        assert_eq!(split(&mut rows, false, 4), 3);
        assert_eq!(rows, [1, 3, 2, 21, 8, 5, 13]);
        assert_eq!(split(&mut rows, true, 3), 3);
        assert_eq!(rows, [1, 2, 13, 3, 21, 8, 5]);
        assert_eq!(split(&mut rows[3..], true, 100), 4);
        assert_eq!(split(&mut rows[..0], true, 100), 0);
        assert_eq!(rows, [1, 2, 13, 3, 21, 8, 5]);
    }
}
