//! Boosters of XGBoost's own making.

#![expect(clippy::unwrap_used, reason = "what tests have in common fails as tests do")]

mod binary;
mod fixtures;
mod kinds;
mod mutations;
#[cfg(feature = "rayon")]
mod parallel_training;
mod properties;
mod python_boosters;
mod support;
mod training;
mod wine;
