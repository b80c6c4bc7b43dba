//! Readers of foreign bytes, through the public interface.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod json_oracle;
mod records;
