//! Hyperparameter search.

mod candidate;
mod error;
mod journal;
mod propose;
mod pruning;
mod schedule;
mod space;
mod trial;

use std::path::{Path, PathBuf};

pub use candidate::{Candidate, Value};
pub use error::SearchError;
pub use journal::JournalError;
pub use pruning::Pruning;
pub use space::SearchSpace;
pub use trial::{FinishedTrial, Trial};

use journal::Journal;
use schedule::Schedule;
use serde::Serialize;

/// A search for the best parameters by a tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl 2011,
/// *Algorithms for Hyper-Parameter Optimization*, NIPS 24), by the crate `tpe`.
///
/// What it finds is a function of the space, the objective, the seed and the settings, and not of the number of
/// [`jobs`](Self::jobs) or of which trial happens to end first: a trial knows of those that came a fixed number before it.
///
/// # Examples
/// ```
/// use std::convert::Infallible;
///
/// use mlops_pipeline::{Search, SearchSpace};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let space = SearchSpace::new().uniform("x", -5.0..5.0).integer("y", 0..=9);
/// let search = Search::minimize(space).trials(100).seed(1);
/// let outcome = search.run(|trial| {
///     let (x, y) = (trial.candidate().real("x"), trial.candidate().integer("y"));
///     Ok::<_, Infallible>((x - 1.0).powi(2) + f64::from(y))
/// })?;
/// assert!(outcome.best().value < 0.2);
/// assert_eq!(outcome.best().candidate.integer("y"), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Search {
    space: SearchSpace,
    direction: Direction,
    seed: u64,
    n_trials: usize,
    n_startup: usize,
    window: usize,
    jobs: usize,
    pruning: Option<Pruning>,
    journal: Option<Journaled>,
}

/// Which values of the objective are better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
enum Direction {
    Maximize,
    Minimize,
}

impl Direction {
    /// What makes more of it better.
    fn sign(self) -> f64 {
        match self {
            Self::Maximize => 1.0,
            Self::Minimize => -1.0,
        }
    }
}

/// Where a search is written down, and on what it is.
#[derive(Clone, Debug)]
struct Journaled {
    path: PathBuf,
    subject: String,
}

/// What decides how a search goes, whoever runs it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Header<'a> {
    subject: &'a str,
    space: &'a SearchSpace,
    direction: Direction,
    seed: u64,
    n_startup: usize,
    window: usize,
    pruning: Option<Pruning>,
}

/// So many trials are under way at once unless the caller says otherwise.
const WINDOW: usize = 4;
/// So many trials tell before the search begins to listen, unless the caller says otherwise; hyperopt's number.
const STARTUP: usize = 20;

impl Search {
    /// A search for the highest value of an objective.
    pub fn maximize(space: SearchSpace) -> Self {
        Self::new(space, Direction::Maximize)
    }

    /// A search for the lowest value of an objective.
    pub fn minimize(space: SearchSpace) -> Self {
        Self::new(space, Direction::Minimize)
    }

    fn new(space: SearchSpace, direction: Direction) -> Self {
        Self {
            space,
            direction,
            seed: 0,
            n_trials: 32,
            n_startup: STARTUP,
            window: WINDOW,
            jobs: 1,
            pruning: None,
            journal: None,
        }
    }

    /// Decides what is tried; 0 unless it is set.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How many candidates are tried; 32 unless it is set. A journaled search may be run again with more of them.
    pub fn trials(self, trials: usize) -> Self {
        Self { n_trials: trials, ..self }
    }

    /// How many trials go anywhere before the others listen to them; 20 unless it is set.
    pub fn startup_trials(self, trials: usize) -> Self {
        Self { n_startup: trials, ..self }
    }

    /// A trial knows of those that are this many and more before it; at least 1, and 4 unless it is set. With 1 each knows
    /// of all before it, and trials run one after the other.
    pub fn window(self, trials: usize) -> Self {
        Self { window: trials.max(1), ..self }
    }

    /// How many threads try candidates; at least 1, which is the default, and no more than the window. They do not change
    /// what is found.
    pub fn jobs(self, jobs: usize) -> Self {
        Self { jobs: jobs.max(1), ..self }
    }

    /// Ends trials early that are hopeless; none unless it is set.
    pub fn pruning(self, pruning: Pruning) -> Self {
        Self { pruning: Some(pruning), ..self }
    }

    /// Writes what comes of each trial to a file, and goes on where a search with the same `subject`, space, seed and
    /// settings has ended, however it did. The subject says what is optimised, such as the digest of the data.
    ///
    /// A file with the ending `.lock` is left beside it; two searches cannot have the same journal at a time.
    pub fn journal(self, path: &Path, subject: &str) -> Self {
        Self {
            journal: Some(Journaled { path: path.to_owned(), subject: subject.to_owned() }),
            ..self
        }
    }

    /// Tries the candidates. The objective is told what to try, may [report](Trial::report) how it goes, and returns the
    /// value that is to become the best; it is called from several threads if there are several jobs.
    ///
    /// # Errors
    /// * [`Space`](SearchError::Space) if a parameter cannot be searched for
    /// * [`NoTrials`](SearchError::NoTrials) if there is nothing to try
    /// * [`Objective`](SearchError::Objective) if the objective fails: the first failure ends the search
    /// * [`NotFinite`](SearchError::NotFinite) if it returns or reports NaN or an infinity
    /// * [`AllPruned`](SearchError::AllPruned) if all trials were ended early
    /// * [`Journal`](SearchError::Journal) if the journal cannot be used
    pub fn run<E: std::error::Error + Send + 'static>(
        &self,
        objective: impl Fn(&mut Trial<'_>) -> Result<f64, E> + Sync,
    ) -> Result<SearchOutcome, SearchError<E>> {
        if let Some(name) = self.space.fault() {
            return Err(SearchError::Space { name: name.to_owned() });
        }
        if self.n_trials == 0 {
            return Err(SearchError::NoTrials);
        }
        let (journal, ended) = self.open_journal()?;
        let schedule = Schedule::new(self, journal, ended);
        let trials = schedule.run(objective)?;
        let ahead = |trial: &FinishedTrial| self.direction.sign() * trial.value;
        let candidates = trials.iter().filter(|trial| !trial.is_pruned);
        // Of several, the first.
        let best = candidates.rev().max_by(|left, right| ahead(left).total_cmp(&ahead(right)));
        let best = best.ok_or(SearchError::AllPruned { trials: trials.len() })?.index;
        Ok(SearchOutcome { trials, best, direction: self.direction })
    }

    fn open_journal<E: std::error::Error>(
        &self,
    ) -> Result<(Option<Journal>, Vec<FinishedTrial>), SearchError<E>> {
        let Some(Journaled { path, subject }) = &self.journal else {
            return Ok((None, Vec::new()));
        };
        let header = Header {
            subject,
            space: &self.space,
            direction: self.direction,
            seed: self.seed,
            n_startup: self.n_startup,
            window: self.window,
            pruning: self.pruning,
        };
        let (journal, ended) = Journal::open(path, &header)?;
        Ok((Some(journal), ended))
    }
}

/// What a search has tried.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchOutcome {
    trials: Vec<FinishedTrial>,
    best: usize,
    direction: Direction,
}

impl SearchOutcome {
    /// The trials, in their order.
    pub fn trials(&self) -> &[FinishedTrial] {
        &self.trials
    }

    /// The trial with the best value, of several the first; not one that was ended early.
    pub fn best(&self) -> &FinishedTrial {
        &self.trials[self.best]
    }

    /// Whether the search would rather have a value than another one.
    pub(crate) fn is_better(&self, value: f64, than: f64) -> bool {
        self.direction.sign() * value > self.direction.sign() * than
    }
}

#[cfg(test)]
mod tests;
