//! The program as its users run it.

#![expect(clippy::unwrap_used, reason = "what tests have in common fails as tests do")]

mod demo;
mod program;
mod python_models;
mod retrain;
mod score;
mod service;
mod simulate;
mod train;
