//! Integration tests.

mod evaluation;
