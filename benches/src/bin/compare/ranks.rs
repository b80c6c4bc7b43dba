/// Spearman's rank correlation of two sequences of as many values; NaN if all values of one are equal.
pub(crate) fn rank_correlation(left: &[f64], right: &[f64]) -> f64 {
    let (left, right) = (centred_ranks(left), centred_ranks(right));
    let sum = |left: &[f64], right: &[f64]| -> f64 {
        left.iter().zip(right).map(|(left, right)| left * right).sum()
    };
    sum(&left, &right) / (sum(&left, &left) * sum(&right, &right)).sqrt()
}

/// How many values stand below each, less the mean of that; equal values share their places.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&left, &right| values[left].total_cmp(&values[right]));
    let mut ranks = vec![0.0; values.len()];
    let mut n_below = 0;
    for equal in order.chunk_by(|&left, &right| values[left] == values[right]) {
        let twice_the_rank = (2 * n_below + equal.len()) as f64;
        for &at in equal {
            ranks[at] = (twice_the_rank - values.len() as f64) / 2.0;
        }
        n_below += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_is_that_of_the_ranks() {
        let left = [0.3, 0.1, 0.5, 0.3, 0.9, 0.2];
        assert!((rank_correlation(&left, &left.map(f64::exp)) - 1.0).abs() < 1e-15);
        assert!((rank_correlation(&left, &left.map(|value| -value)) + 1.0).abs() < 1e-15);
        // scipy 1.17.1: spearmanr(left, [2, 1, 5, 4, 4, 3]).statistic
        let rho = rank_correlation(&left, &[2.0, 1.0, 5.0, 4.0, 4.0, 3.0]);
        assert!((rho - 0.779_411_764_705_882_5).abs() < 1e-15, "{rho}");
    }

    #[test]
    fn what_is_constant_correlates_with_nothing() {
        assert!(rank_correlation(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]).is_nan());
    }
}
