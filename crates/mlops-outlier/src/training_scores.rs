use serde::{Deserialize, Serialize};

/// How the training rows scored, as quantiles: thousandths up to 0.99, ten-thousandths up to 0.999,
/// hundred-thousandths up to 0.9999, and the highest score.
///
/// The upper end, where thresholds are, is known ten and a hundred times as finely as the rest.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct TrainingScores {
    // Invariant: `N_QUANTILES` finite numbers in ascending order.
    quantiles: Vec<f64>,
}

const N_QUANTILES: usize = 1172;

impl TrainingScores {
    /// Takes scores in ascending order; `None` if there are none.
    pub(crate) fn new(sorted: &[f64]) -> Option<Self> {
        let quantiles = (0..N_QUANTILES).map(|at| quantile(sorted, level(at)));
        Some(Self { quantiles: quantiles.collect::<Option<_>>()? })
    }

    /// Whether the quantiles are some; those of a file may be none.
    pub(crate) fn is_valid(&self) -> bool {
        self.quantiles.len() == N_QUANTILES
            && self.quantiles.is_sorted()
            && self.quantiles.iter().all(|quantile| quantile.is_finite())
    }

    /// The score that a share `level` of the training rows does not exceed, for a level in `[0, 1]`.
    pub(crate) fn quantile(&self, level_of_score: f64) -> f64 {
        let mut above = 1;
        while above + 1 < N_QUANTILES && level(above) < level_of_score {
            above += 1;
        }
        let (low, high) = (level(above - 1), level(above));
        let share = (level_of_score - low) / (high - low);
        between(self.quantiles[above - 1], self.quantiles[above], share)
    }

    /// The level of the quantile that `score` is, in percent: [`quantile`](Self::quantile) turned around.
    ///
    /// Of n training rows, the share that scores at most as high differs from it by less than 1/n and the
    /// step to the next quantile. Of equal scores, it is the highest level.
    pub(crate) fn percentile(&self, score: f64) -> f64 {
        let above = self.quantiles.partition_point(|quantile| *quantile <= score);
        if above == 0 {
            return 0.0;
        }
        let Some(high) = self.quantiles.get(above) else { return 100.0 };
        let low = self.quantiles[above - 1];
        100.0 * between(level(above - 1), level(above), (score - low) / (high - low))
    }
}

/// The level of the quantile at a position.
fn level(at: usize) -> f64 {
    let of = |n_steps: usize, n: f64| n_steps as f64 / n;
    match at {
        0..=990 => of(at, 1e3),
        991..=1080 => of(9900 + at - 990, 1e4),
        1081..=1170 => of(99_900 + at - 1080, 1e5),
        _ => 1.0,
    }
}

/// The quantile of some scores in ascending order, interpolated linearly, as
/// `numpy.quantile(scores, level)` has it; `None` without scores.
pub(crate) fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = level * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position")]
    let at = (position as usize).min(last);
    Some(between(sorted[at], sorted[(at + 1).min(last)], position - at as f64))
}

/// The number at `share` of the way, in `[0, 1]`, from `low` to `high`; never outside of them.
fn between(low: f64, high: f64, share: f64) -> f64 {
    // From the nearer end, as numpy does.
    let there =
        if share < 0.5 { low + (high - low) * share } else { high - (high - low) * (1.0 - share) };
    there.clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut scores: Vec<f64>) -> Vec<f64> {
        scores.sort_by(f64::total_cmp);
        scores
    }

    #[test]
    fn one_score_is_every_quantile_and_none_has_none() {
        assert_eq!(quantile(&[0.1], 0.3), Some(0.1));
        assert_eq!(quantile(&[], 0.3), None);
        assert_eq!(TrainingScores::new(&[]), None);
    }

    #[test]
    fn levels_ascend_to_one() {
        assert_eq!(
            [0, 1, 990, 991, 1080, 1081, 1170, 1171].map(level),
            [0.0, 0.001, 0.99, 0.9901, 0.999, 0.999_01, 0.9999, 1.0]
        );
        assert!((1..N_QUANTILES).all(|at| level(at - 1) < level(at)));
    }

    #[test]
    fn a_score_and_its_percentile_tell_each_other() {
        let scores = sorted((0..5000_u32).map(|at| f64::from(at * 7919 % 5003) / 5003.0).collect());
        let training = TrainingScores::new(&scores).unwrap();
        assert!(training.is_valid());
        for level in [0.0, 0.0004, 0.5, 0.987_65, 0.995, 0.9995, 0.999_95, 1.0] {
            let score = training.quantile(level);
            assert!((score - quantile(&scores, level).unwrap()).abs() < 1e-3, "{level}");
            assert!((training.percentile(score) - 100.0 * level).abs() < 1e-9, "{level}");
        }
        assert_eq!(training.percentile(scores[0] - 0.1), 0.0);
        assert_eq!(training.percentile(scores[4999]), 100.0);
    }

    #[test]
    fn equal_scores_share_the_percentile_of_the_last() {
        let training =
            TrainingScores::new(&sorted([vec![0.1; 60], vec![0.2; 40]].concat())).unwrap();
        let percentile = training.percentile(0.1);
        assert!((59.0..=60.0).contains(&percentile), "{percentile}");
        assert_eq!(training.percentile(0.2), 100.0);
        assert_eq!(training.percentile(0.05), 0.0);
    }

    #[test]
    fn what_is_out_of_order_or_infinite_is_invalid() {
        let with = |at: usize, value: f64| {
            let mut training = TrainingScores::new(&[0.1, 0.2]).unwrap();
            training.quantiles[at] = value;
            training
        };
        assert!(with(0, 0.1).is_valid());
        assert!(!with(0, 0.3).is_valid() && !with(1171, f64::INFINITY).is_valid());
        assert!(!with(3, f64::NAN).is_valid());
        assert!(!TrainingScores { quantiles: vec![0.1] }.is_valid());
    }
}
