//! How long requests took.

use std::time::Duration;

/// The latency that so many percent of the requests did not exceed; 0 without requests.
///
/// `sorted` is ascending.
pub fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_latencies_that_were_measured() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let quantiles = [0, 50, 99, 100].map(|percent| quantile(&sorted, percent).as_millis());
        assert_eq!(quantiles, [1, 100, 198, 200]);
        assert_eq!(quantile(&[], 99), Duration::ZERO);
    }
}
