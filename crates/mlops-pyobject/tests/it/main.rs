//! Files that Python wrote, files that nobody should have written, and the limits.

#![expect(clippy::unwrap_used, reason = "what tests have in common fails as tests do")]

mod arrays;
mod bombs;
mod fixtures;
mod forest;
mod mutations;
mod preprocessing;
mod support;
