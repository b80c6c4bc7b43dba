#![doc = include_str!("../README.md")]

mod error;
mod fit;
mod isolation_forest;
mod params;
mod sampler;
mod saved;
mod score;
#[cfg(test)]
mod testing;
mod threshold;
mod tree;

pub use error::Error;
pub use isolation_forest::IsolationForest;
pub use params::{Contamination, IsolationForestParams};
pub use threshold::Threshold;
