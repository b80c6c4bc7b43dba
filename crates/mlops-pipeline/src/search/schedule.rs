use std::error::Error;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::journal::Journal;
use super::propose::{Observation, propose};
use super::pruning::Progress;
use super::{FinishedTrial, Search, SearchError, Trial};

/// Which trials have ended, and which may begin.
#[derive(Debug)]
pub(super) struct Schedule<'a, E: Error + 'static> {
    search: &'a Search,
    state: Mutex<State<E>>,
    /// Something has ended.
    ended: Condvar,
}

#[derive(Debug)]
struct State<E: Error + 'static> {
    trials: Vec<Option<FinishedTrial>>,
    /// The first trial that nobody has begun.
    next: usize,
    journal: Option<Journal>,
    failure: Option<SearchError<E>>,
}

impl<'a, E: Error + Send + 'static> Schedule<'a, E> {
    pub(super) fn new(
        search: &'a Search,
        journal: Option<Journal>,
        ended: Vec<FinishedTrial>,
    ) -> Self {
        let mut trials = vec![None; search.n_trials];
        for trial in ended {
            if let Some(slot) = trials.get_mut(trial.index) {
                *slot = Some(trial);
            }
        }
        let state = State { trials, next: 0, journal, failure: None };
        Self { search, state: Mutex::new(state), ended: Condvar::new() }
    }

    /// Runs all trials that have not ended.
    pub(super) fn run(
        self,
        objective: impl Fn(&mut Trial<'_>) -> Result<f64, E> + Sync,
    ) -> Result<Vec<FinishedTrial>, SearchError<E>> {
        thread::scope(|scope| {
            let jobs = self.search.jobs.min(self.search.window).min(self.search.n_trials);
            for _ in 1..jobs {
                scope.spawn(|| self.work(&objective));
            }
            self.work(&objective);
        });
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.failure {
            Some(failure) => Err(failure),
            None => Ok(state.trials.into_iter().flatten().collect()),
        }
    }

    fn work(&self, objective: &impl Fn(&mut Trial<'_>) -> Result<f64, E>) {
        let _panic = StopOnPanic(self);
        while let Some((index, known)) = self.begin() {
            let outcome = self.attempt(index, &known, objective);
            let mut state = self.lock();
            if let Err(error) = outcome.and_then(|trial| state.record(trial)) {
                state.stop();
                // The first failure is told.
                state.failure.get_or_insert(error);
            }
            self.ended.notify_all();
        }
    }

    /// The next trial and those that it knows of, when they have ended; `None` when there is nothing left to do.
    fn begin(&self) -> Option<(usize, Vec<FinishedTrial>)> {
        let mut state = self.lock();
        loop {
            while state.trials.get(state.next)?.is_some() {
                state.next += 1;
            }
            let known = &state.trials[..(state.next + 1).saturating_sub(self.search.window)];
            if known.iter().all(Option::is_some) {
                let known = known.iter().flatten().cloned().collect();
                state.next += 1;
                return Some((state.next - 1, known));
            }
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn attempt(
        &self,
        index: usize,
        known: &[FinishedTrial],
        objective: &impl Fn(&mut Trial<'_>) -> Result<f64, E>,
    ) -> Result<FinishedTrial, SearchError<E>> {
        let Search { space, direction, seed, n_startup, pruning, .. } = self.search;
        let observe = |trial: &FinishedTrial| {
            let place = space.place(&trial.candidate)?;
            Some(Observation { place, loss: -direction.sign() * trial.value })
        };
        let observations: Vec<_> = known.iter().filter_map(observe).collect();
        let place = propose(space, *seed, index, &observations, *n_startup);
        let ran_to_the_end = known.iter().filter(|trial| !trial.is_pruned);
        let rivals: Vec<_> = ran_to_the_end
            .map(|it| Progress::of(it.reported.iter().map(|value| direction.sign() * value)))
            .collect();
        let candidate = space.candidate(&place);
        let mut trial = Trial::new((*seed, index), candidate, *direction, (*pruning, &rivals));
        let value =
            objective(&mut trial).map_err(|source| SearchError::Objective { index, source })?;
        let trial = trial.finish(value);
        if trial.reported.iter().chain([&value]).all(|value| value.is_finite()) {
            Ok(trial)
        } else {
            Err(SearchError::NotFinite { index })
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Error + 'static> State<E> {
    fn record(&mut self, trial: FinishedTrial) -> Result<(), SearchError<E>> {
        if let Some(journal) = &mut self.journal {
            journal.record(&trial)?;
        }
        let index = trial.index;
        self.trials[index] = Some(trial);
        Ok(())
    }

    /// Nothing is begun any more.
    fn stop(&mut self) {
        self.next = self.trials.len();
    }
}

/// Lets the others go when the objective panics; they would wait for its trial for ever.
struct StopOnPanic<'a, 'b, E: Error + Send + 'static>(&'b Schedule<'a, E>);

impl<E: Error + Send + 'static> Drop for StopOnPanic<'_, '_, E> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().stop();
            self.0.ended.notify_all();
        }
    }
}
