use std::ops::ControlFlow;

use mlops_core::Random;
use serde::{Deserialize, Serialize};

use super::Direction;
use super::candidate::Candidate;
use super::pruning::{Progress, Pruning};

/// A candidate that is tried.
#[derive(Debug)]
pub struct Trial<'a> {
    index: usize,
    seed: u64,
    candidate: Candidate,
    direction: Direction,
    pruning: Option<Pruning>,
    rivals: &'a [Progress],
    progress: Progress,
    reported: Vec<f64>,
    is_pruned: bool,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FinishedTrial {
    /// Its number, from zero.
    pub index: usize,
    /// What was tried.
    pub candidate: Candidate,
    /// The value of the objective.
    pub value: f64,
    /// Whether it was ended early.
    pub is_pruned: bool,
    /// What it reported, step by step.
    pub reported: Vec<f64>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        (seed, index): (u64, usize),
        candidate: Candidate,
        direction: Direction,
        (pruning, rivals): (Option<Pruning>, &'a [Progress]),
    ) -> Self {
        // Not the stream that chose the candidate.
        let seed = Random::stream(!seed, index as u64).bits();
        let (progress, reported) = (Progress::default(), Vec::new());
        Self {
            index,
            seed,
            candidate,
            direction,
            pruning,
            rivals,
            progress,
            reported,
            is_pruned: false,
        }
    }

    /// Its number, from zero.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Random bits of this trial alone.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What is tried.
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Whether it was told that it is hopeless.
    pub fn is_pruned(&self) -> bool {
        self.is_pruned
    }

    /// Says how far the trial is after another step, in any unit in which trials can be compared and that goes the way of
    /// the search's objective. The answer is `Break` if the trial is hopeless and should return what it has.
    pub fn report(&mut self, value: f64) -> ControlFlow<()> {
        self.reported.push(value);
        self.progress.push(self.direction.sign() * value);
        let (step, best) = (self.progress.n_steps(), self.progress.best());
        let rule = self.pruning;
        self.is_pruned |= rule.is_some_and(|rule| rule.is_hopeless(step, best, self.rivals));
        if self.is_pruned { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub(super) fn finish(self, value: f64) -> FinishedTrial {
        let Self { index, candidate, is_pruned, reported, .. } = self;
        FinishedTrial { index, candidate, value, is_pruned, reported }
    }
}
