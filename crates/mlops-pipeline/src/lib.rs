#![doc = include_str!("../README.md")]

mod search;

pub use search::{
    Candidate, FinishedTrial, JournalError, Pruning, Search, SearchError, SearchOutcome,
    SearchSpace, Trial, Value,
};
