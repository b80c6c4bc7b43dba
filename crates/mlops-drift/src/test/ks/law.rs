use super::{Walk, exact};
use crate::Alternative;
use crate::empirical::EmpiricalDistribution;
use crate::pooled::{Deviation, Pooled};
use crate::special::hypergeometric;

/// `P(max |i m - j n| >= distance)` without ties, of i of n and j of m values: the exact law of
/// [`ks_two_sample`](crate::ks_two_sample), whose statistic is `distance / (n m)`.
///
/// `None` if a sample is empty, or the samples hold more than 2^24 values, or it would take more
/// than 0.1 to 0.2 seconds. The relative error is below 1e-12, also where the probability is small.
/// Time O(s^1.5) for the smaller size s, memory O(n + m).
///
/// # Examples
/// ```
/// // The new value is the largest or the smallest of six in two of six relabellings.
/// let p_value = mlops_drift::law::two_sample_survival(5, 1, 5).unwrap();
/// assert!((p_value - 2.0 / 6.0).abs() < 1e-15);
/// assert_eq!(mlops_drift::law::two_sample_survival(5, 1, 6), Some(0.0));
/// ```
pub fn two_sample_survival(n: usize, m: usize, distance: usize) -> Option<f64> {
    n.checked_add(m).filter(|total| *total <= MOST_VALUES)?;
    let pairs = n.checked_mul(m).filter(|pairs| *pairs > 0)?;
    if distance > pairs {
        return Some(0.0);
    }
    let ascending = |range: std::ops::Range<usize>| {
        EmpiricalDistribution::new(range.map(|value| value as f64).collect())
    };
    let (reference, batch) = (ascending(0..n), ascending(n..n + m));
    let mut stretches = vec![];
    let pooled = Pooled::new(&reference, &batch, &mut stretches);
    let deviation = most_probable(n, m, distance)?;
    let probability = exact(&pooled, deviation, Alternative::TwoSided, &mut Walk::default())?;
    Some(probability.value.min(1.0))
}

/// They are laid out in memory, for a tenth of a second.
const MOST_VALUES: usize = 1 << 24;

/// The counts that are most often held by chance among those that deviate by at least `distance`,
/// as the smallest of the pool.
fn most_probable(n: usize, m: usize, distance: usize) -> Option<Deviation> {
    let total = n + m;
    let at = |batch: usize| {
        let time = (batch * total).saturating_sub(distance) / m;
        Deviation { distance: distance as u128, reference: time.saturating_sub(batch), batch }
    };
    let probability = |at: &Deviation| {
        let time = (at.reference + at.batch) as u64;
        hypergeometric::pmf(at.batch as u64, time, m as u64, total as u64)
    };
    (0..=m)
        .map(at)
        .filter(|at| at.reference + at.batch > 0)
        .filter(|at| (at.batch * n).abs_diff(at.reference * m) >= distance)
        .max_by(|left, right| probability(left).total_cmp(&probability(right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_counted_paths() {
        let cases = crate::test::golden("ks_pvalue_nmh");
        let rows = cases[0]["expected"].as_array().unwrap();
        assert_eq!(rows.len(), 114);
        for row in rows {
            let [n, m, distance] =
                ["n", "m", "h"].map(|key| usize::try_from(row[key].as_u64().unwrap()).unwrap());
            let expected = row["p"].as_f64().unwrap();
            let p_value = two_sample_survival(n, m, distance).unwrap();
            let error = (p_value / expected - 1.0).abs();
            assert!(error < 1e-12, "n {n} m {m} distance {distance}: {p_value:e}, {error:e}");
        }
    }

    #[test]
    fn a_larger_distance_is_never_more_probable() {
        for (n, m) in [(30, 7), (12, 12), (40, 1), (17, 16), (20, 18)] {
            let p_values: Vec<f64> =
                (0..=n * m).map(|distance| two_sample_survival(n, m, distance).unwrap()).collect();
            assert!((p_values[1] - 1.0).abs() < 1e-14);
            assert!(p_values.is_sorted_by(|left, right| *left >= right * (1.0 - 1e-13)));
        }
    }

    #[test]
    fn samples_that_are_too_large_have_no_answer() {
        assert_eq!(two_sample_survival(0, 5, 1), None);
        assert_eq!(two_sample_survival(usize::MAX, 2, 1), None);
        assert_eq!(two_sample_survival(1 << 40, 1, 1), None);
    }
}
