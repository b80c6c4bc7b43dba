//! Asks the crate `xgboost-rs` and `mlops-xgboost` about the same boosters and rows, and prints a table.
//!
//! ```sh
//! OMP_NUM_THREADS=1 cargo run --release -- FIXTURES
//! ```
//!
//! `FIXTURES` has boosters of several versions of XGBoost in `xgboost/index.json`. `xgboost-rs` 0.3.0 wraps XGBoost
//! 1.6.2, which drops the base score of models from 3.1 on without an error, so newer ones are not asked about.

mod binding;
mod speed;
mod verdict;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let fixtures: PathBuf = std::env::args_os().nth(1).ok_or("usage: oracle FIXTURES")?.into();
    let folder = fixtures.join("xgboost");
    println!("mlops-xgboost and xgboost-rs 0.3.0 (XGBoost 1.6.2), on one thread.");
    println!("Linear models count as those with the same leaves, for they have none.");
    println!("In the times, xgboost-rs builds the matrix that it needs for every call.\n");
    verdict::print(&folder)?;
    println!();
    speed::print(&folder.join("bench"))
}

/// The 32-bit numbers in a file, least significant byte first.
fn numbers(path: &std::path::Path) -> std::io::Result<Vec<f32>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
