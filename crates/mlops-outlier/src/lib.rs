#![doc = include_str!("../README.md")]

mod error;
mod fit;
mod isolation_forest;
mod params;
mod sampler;
mod saved;
mod score;
mod sklearn;
#[cfg(test)]
mod testing;
mod threshold;
mod tree;

pub use error::Error;
pub use isolation_forest::IsolationForest;
pub use params::{Contamination, IsolationForestParams};
pub use sklearn::SklearnIsolationForest;
pub use threshold::Threshold;
