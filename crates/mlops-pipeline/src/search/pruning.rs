use serde::Serialize;

/// When a trial ends early: what it has reached after a number of steps is less than what most others had by then.
///
/// A trial's progress is what it reports. At each step the best that it has reported so far is compared with the best
/// that the earlier trials which ran to their end had reported by the same step.
///
/// # Examples
/// ```
/// use mlops_pipeline::{Pruning, Search, SearchSpace};
///
/// // Ends a trial that is among the lowest three quarters after 30 steps.
/// let pruning = Pruning::new().warm_up(30).keep(0.25);
/// let search = Search::maximize(SearchSpace::new().uniform("x", 0.0..1.0)).pruning(pruning);
/// # let _ = search;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[must_use]
pub struct Pruning {
    warm_up: usize,
    min_rivals: usize,
    keep: f64,
}

impl Default for Pruning {
    /// After 10 steps, beside at least 4 others, a trial that is in the lower half.
    fn default() -> Self {
        Self { warm_up: 10, min_rivals: 4, keep: 0.5 }
    }
}

impl Pruning {
    /// The default: the median rule.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many steps each trial may take in any case.
    pub fn warm_up(self, steps: usize) -> Self {
        Self { warm_up: steps, ..self }
    }

    /// How many trials must have ended before one is compared with them; at least 1.
    pub fn min_rivals(self, trials: usize) -> Self {
        Self { min_rivals: trials.max(1), ..self }
    }

    /// The share of the others that a trial may be behind and go on, in `[0, 1]`: nearer to 0 ends more of them.
    pub fn keep(self, share: f64) -> Self {
        Self { keep: share.clamp(0.0, 1.0), ..self }
    }

    /// Whether a trial that has reached `best` after `step` steps, counted from one, is hopeless.
    pub(super) fn is_hopeless(&self, step: usize, best: f64, rivals: &[Progress]) -> bool {
        if step <= self.warm_up || rivals.len() < self.min_rivals {
            return false;
        }
        let ahead = rivals.iter().filter(|rival| rival.by(step) > best).count();
        ahead as f64 > self.keep * rivals.len() as f64
    }
}

/// The best that a trial had reported by each step; more is better.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress(Vec<f64>);

impl Progress {
    pub(super) fn of(reported: impl Iterator<Item = f64>) -> Self {
        let mut progress = Self::default();
        reported.for_each(|value| progress.push(value));
        progress
    }

    pub(super) fn push(&mut self, value: f64) {
        let best = self.0.last().map_or(value, |best| best.max(value));
        self.0.push(best);
    }

    pub(super) fn n_steps(&self) -> usize {
        self.0.len()
    }

    /// The best at all.
    pub(super) fn best(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// What it had by a step, counted from one; the last of it if it ended before.
    fn by(&self, step: usize) -> f64 {
        self.0.get(step.saturating_sub(1)).copied().unwrap_or_else(|| self.best())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(values: &[f64]) -> Progress {
        Progress::of(values.iter().copied())
    }

    #[test]
    fn progress_is_the_best_so_far() {
        let progress = progress(&[0.1, 0.3, 0.2, 0.4]);
        assert_eq!(progress, Progress(vec![0.1, 0.3, 0.3, 0.4]));
        assert_eq!([1, 3, 4, 9].map(|step| progress.by(step)), [0.1, 0.3, 0.4, 0.4]);
        assert_eq!(Progress::default().best(), f64::NEG_INFINITY);
    }

    #[test]
    fn the_median_rule_ends_what_is_behind_most_others() {
        let rivals = [0.1, 0.2, 0.3, 0.4].map(|end| progress(&[end, end + 0.5]));
        let rule = Pruning::new().warm_up(1);
        assert!(!rule.is_hopeless(1, 0.0, &rivals), "still warming up");
        assert!(rule.is_hopeless(2, 0.65, &rivals), "three of four are ahead");
        assert!(!rule.is_hopeless(2, 0.75, &rivals), "two of four are ahead");
        assert!(!rule.is_hopeless(2, 0.0, &rivals[..3]), "too few others");
        assert!(!rule.keep(1.0).is_hopeless(2, 0.0, &rivals));
        assert!(rule.keep(0.0).is_hopeless(2, 0.85, &rivals), "one is ahead");
        assert!(!rule.keep(0.0).is_hopeless(2, 0.9, &rivals), "none is ahead");
    }
}
