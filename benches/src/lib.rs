//! Criterion benchmarks of the workspace: what the programs in `benches/` share.
//!
//! A benchmark is called `crate/operation/variant/n` and asserts what it computed.

use criterion::Criterion;

pub mod wine;

/// Runs the benchmarks that `define` defines, with the settings of the command line.
///
/// Criterion's macros do the same with undocumented public items.
pub fn run(define: fn(&mut Criterion)) {
    let mut criterion = Criterion::default().configure_from_args();
    define(&mut criterion);
    criterion.final_summary();
}
