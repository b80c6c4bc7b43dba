//! Golden values, properties and levels of the tests, through the public interface.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod detectors;
mod edges;
mod golden;
mod ks;
mod level;
mod saved;
