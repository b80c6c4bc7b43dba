//! Criterion benchmarks of the workspace and programs that measure it: what they share.
//!
//! A benchmark is called `crate/operation/variant/n` and asserts what it computed.

use std::error::Error;
use std::fs;
use std::path::Path;

use criterion::Criterion;

pub mod http;
pub mod latency;
pub mod open_loop;
pub mod pauses;
pub mod process;
pub mod program;
pub mod seed;
pub mod synthetic;
pub mod wine;

/// The content of a file that is there.
///
/// # Panics
/// If it cannot be read.
pub fn file(path: &Path) -> Vec<u8> {
    match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// The 32-bit numbers, least significant byte first, in a file that is there.
///
/// # Panics
/// If it cannot be read.
pub fn numbers(path: &Path) -> Vec<f32> {
    file(path).as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The Python that has what a file of `benches/peers` requires, for programs.
///
/// # Errors
/// If `PEERS_PYTHON` is not set.
#[expect(clippy::disallowed_methods, reason = "the programs' settings")]
pub fn peers_python(requirements: &str) -> Result<String, Box<dyn Error>> {
    let python = std::env::var("PEERS_PYTHON");
    Ok(python
        .map_err(|_| format!("PEERS_PYTHON names no Python with benches/peers/{requirements}"))?)
}

/// Runs the benchmarks that `define` defines, with the settings of the command line.
///
/// Criterion's macros do the same with undocumented public items.
pub fn run(define: fn(&mut Criterion)) {
    let mut criterion = Criterion::default().configure_from_args();
    define(&mut criterion);
    criterion.final_summary();
}
