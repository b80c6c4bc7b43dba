//! Boosters of XGBoost's own making.

#![expect(clippy::unwrap_used, reason = "what tests have in common fails as tests do")]

mod fixtures;
mod kinds;
mod python_boosters;
mod support;
mod wine;
