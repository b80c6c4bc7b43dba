#![doc = include_str!("../README.md")]

mod batch;
mod search;

pub use batch::{BadRow, BadRows, BatchError, BatchScoring, BatchSummary, Place};
pub use search::{
    Candidate, FinishedTrial, JournalError, Pruning, Search, SearchError, SearchOutcome,
    SearchSpace, Trial, Value,
};
