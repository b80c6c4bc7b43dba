//! Fixture paths, generators and tolerances for the tests of this workspace.

mod mock_server;
mod mutations;
mod recipe;
mod shared_buffer;

use std::env;
use std::path::PathBuf;

pub use mock_server::{MockRequest, MockServer, Reply};
pub use mutations::{Mutator, n_mutations};
pub use recipe::sample;
pub use shared_buffer::SharedBuffer;

/// The folder of large fixtures that the environment variable `MLOPS_FIXTURES` names.
///
/// Without it, a line on stderr says that `left_out` is not tested.
pub fn fixtures(left_out: &str) -> Option<PathBuf> {
    folder("MLOPS_FIXTURES", left_out)
}

/// The folder with UCI's two wine-quality files that the environment variable `WINE_DATA` names.
///
/// Without it, a line on stderr says that `left_out` is not tested.
pub fn wine_data(left_out: &str) -> Option<PathBuf> {
    folder("WINE_DATA", left_out)
}

/// How often a test of probabilities draws: the environment variable `MLOPS_BATCHES`, else 2,000.
#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
pub fn n_batches() -> usize {
    let number = env::var("MLOPS_BATCHES").ok();
    number.and_then(|number| number.parse().ok()).unwrap_or(2_000)
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests must see what was left out")]
#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
fn folder(variable: &str, left_out: &str) -> Option<PathBuf> {
    let folder = env::var(variable).ok().map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("left out: {left_out} ({variable} names no folder)");
    }
    folder
}

/// The splitmix64 generator: the same numbers here and in the Python scripts that made golden values.
#[derive(Clone, Copy, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator whose state starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next number in `[0, 1)`, a multiple of 2^-53.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * 2.0_f64.powi(-53)
    }
}
