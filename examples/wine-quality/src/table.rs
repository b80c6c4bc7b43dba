//! The best candidates of a search as lines of text.

use std::fmt;

use mlops_pipeline::{FinishedTrial, SearchOutcome};

/// So many are shown.
const BEST: usize = 5;
/// Of a column.
const WIDTH: usize = 17;

/// The best trials of a search, and what a baseline reaches where they are compared.
#[derive(Debug)]
pub(crate) struct BestTrials<'a> {
    pub(crate) outcome: &'a SearchOutcome,
    pub(crate) baseline: (&'static str, f64),
}

impl fmt::Display for BestTrials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut trials: Vec<&FinishedTrial> =
            self.outcome.trials().iter().filter(|trial| !trial.is_pruned).collect();
        trials.sort_by(|left, right| right.value.total_cmp(&left.value));
        let names: Vec<&str> = self.outcome.best().candidate.iter().map(|(name, _)| name).collect();
        write!(f, "{:<14}{:>8}{:>8}", "validation", "AUC", "rounds")?;
        for name in &names {
            write!(f, "{name:>WIDTH$}")?;
        }
        for trial in trials.into_iter().take(BEST) {
            let (index, rounds) = (trial.index, trial.reported.len());
            write!(f, "\n{:<14}{:>8.4}{rounds:>8}", format!("trial {index}"), trial.value)?;
            for (_, value) in trial.candidate.iter() {
                write!(f, "{:>WIDTH$.4}", value.as_f64())?;
            }
        }
        let (name, auc) = self.baseline;
        write!(f, "\n{name:<14}{auc:>8.4}")
    }
}
