#![doc = include_str!("../README.md")]

mod calibrate;
mod diffi;
mod error;
mod explain;
mod fit;
#[cfg(test)]
mod golden;
mod isolation_forest;
mod leaf_table;
mod model_dir;
#[cfg(feature = "onnx")]
mod onnx;
mod params;
mod path_lengths;
mod saved;
mod scores;
mod scratch;
mod share;
mod sklearn;
#[cfg(test)]
mod testing;
mod training_scores;
mod tree;
mod ways;

pub use error::Error;
pub use isolation_forest::IsolationForest;
#[cfg(feature = "onnx")]
pub use onnx::OnnxForest;
pub use params::{IsolationForestParams, MaxDepth};
pub use scratch::Scratch;
pub use share::{Contamination, FalsePositiveRate, Percentile};
