use super::journal::JournalError;

/// Why a search ended without an answer; `E` is the objective's error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError<E: std::error::Error + 'static> {
    /// The range of a parameter is empty, not finite or, on a logarithmic scale, not positive, or its name is not its own.
    #[error("parameter `{name}` cannot be searched for: its range is empty or its name is taken")]
    Space {
        /// The parameter.
        name: String,
    },
    /// The search may not try anything.
    #[error("the search has no trials")]
    NoTrials,
    /// No trial ran to its end.
    #[error("all {trials} trials were ended early")]
    AllPruned {
        /// How many there were.
        trials: usize,
    },
    /// The objective returned or reported a value that is not a finite number.
    #[error("trial {index} came to a value that is not a finite number")]
    NotFinite {
        /// Which trial.
        index: usize,
    },
    /// The objective failed.
    #[error("trial {index} failed")]
    Objective {
        /// Which trial.
        index: usize,
        /// Why.
        source: E,
    },
    /// What had ended before cannot be read, or what ended now not written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}
