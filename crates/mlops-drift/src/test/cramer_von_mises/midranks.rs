use super::pool::Pool;

/// `T = U / (n m N) - (4 n m - 1) / (6 N)` of midranks, as SciPy computes it.
///
/// Twice the midrank of a tie of a + b values is an integer, and with A, B values below it
///
/// ```text
/// 4 sum over the reference (r_i - i)^2 = sum over ties a (2 B + b)^2 + a (a^2 - 1) / 3
/// 4 sum over the batch (s_j - j)^2 = sum over ties b (2 A + a)^2 + b (b^2 - 1) / 3
/// ```
///
/// so that T is one division of integers, exact up to 2^31 values, which are 16 GB.
pub(super) fn statistic(pool: &Pool) -> f64 {
    let (n, m) = (pool.reference as u128, pool.batch as u128);
    let (mut reference, mut batch) = (0, 0);
    // 12 U
    let mut sum = 0;
    for group in &pool.groups {
        let (a, b) = (group.reference as u128, group.batch as u128);
        sum += n * tie(a, 2 * batch + b) + m * tie(b, 2 * reference + a);
        reference += a;
        batch += b;
    }
    let least = 2 * n * m * (4 * n * m - 1);
    let magnitude = sum.abs_diff(least) as f64 / (12 * n * m) as f64 / (n + m) as f64;
    if sum < least { -magnitude } else { magnitude }
}

/// `3 (count shift^2 + count (count^2 - 1) / 3)`, where `shift` is twice the other sample's part of
/// the midrank.
fn tie(count: u128, shift: u128) -> u128 {
    3 * count * shift * shift + count * (count * count).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::super::pool::Group;
    use super::*;

    fn pool(groups: &[(usize, usize)]) -> Pool {
        let groups = groups.iter().map(|&(reference, batch)| Group { reference, batch });
        let groups: Vec<Group> = groups.collect();
        Pool {
            reference: groups.iter().map(|group| group.reference).sum(),
            batch: groups.iter().map(|group| group.batch).sum(),
            groups,
        }
    }

    #[test]
    fn without_ties_it_is_the_statistic() {
        let pool = pool(&[(1, 0), (0, 1), (0, 1), (1, 0), (1, 0), (0, 1), (1, 0)]);
        assert!((statistic(&pool) - pool.statistic()).abs() < 1e-15);
    }

    #[test]
    fn midranks_are_those_of_scipy() {
        // cramervonmises_2samp([1, 2, 2, 7], [2, 3]).statistic
        assert!((statistic(&pool(&[(1, 0), (2, 1), (0, 1), (1, 0)])) - 7.0 / 72.0).abs() < 1e-15);
    }

    #[test]
    fn ties_alone_make_it_grow() {
        // All values are equal.
        let pool = pool(&[(1000, 10)]);
        // (n - m)^2 (N^2 - 1) / (12 n m N)
        let expected = 990.0 * 990.0 * (1010.0 * 1010.0 - 1.0) / (120_000.0 * 1010.0);
        assert!((statistic(&pool) / expected - 1.0).abs() < 1e-15);
        assert_eq!(pool.statistic().to_bits(), 0.0_f64.to_bits());
    }
}
