//! Integration tests.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod evaluation;
mod labels;
