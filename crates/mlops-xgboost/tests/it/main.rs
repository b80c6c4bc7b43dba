//! Boosters of XGBoost's own making.

#![expect(clippy::unwrap_used, reason = "what tests have in common fails as tests do")]

mod binary;
mod fixtures;
mod kinds;
mod mutations;
mod properties;
mod python_boosters;
mod support;
mod training;
mod wine;
