#![doc = include_str!("../README.md")]

mod batch;
pub mod evaluation;
mod gate;
pub mod labels;
mod lines;
mod model_card;
pub mod report;
mod search;

pub use batch::{BadRow, BadRows, BatchError, BatchScoring, BatchSummary, Place};
pub use gate::{Check, Gate, Verdict};
pub use model_card::ModelCard;
pub use search::{
    Candidate, FinishedTrial, JournalError, Pruning, Search, SearchError, SearchOutcome,
    SearchSpace, Trial, Value,
};
