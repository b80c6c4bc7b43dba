//! Measures this project and its peers in turn, and writes `target/compare/SUBJECT.json`.
//!
//! ```sh
//! python3 -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt
//! PEERS_PYTHON=target/peers/bin/python cargo run --release -p mlops-benches --bin compare -- xgboost
//! ```
//!
//! A peer runs in a process of its own, on one thread. Ours and the peers take short turns, so that a change of the
//! machine's speed meets all of them. A figure is the median over the turns; a ratio is the peer's time by ours. What
//! is compiled or fetched for a peer is kept in `target/compare` for the next time, and so is what it prints. `equal`
//! says whether a peer's answers are ours, as closely as the subject asks for; a peer that computes something else is an
//! error.
//!
//! * `drift`: p-values of 12 features, batches of 1 to 1000 rows against a reference of 4872, drawn from the same
//!   distribution: 11 numbers with two decimals and a category, or 12 numbers that do not repeat. Equal: to 1e-9 of
//!   each p-value with our engine `exact`, to 2e-6, for numbers of 32 bits, with `as alibi-detect`. Its peers want
//!   Python 3.11 or 3.12 and an environment of their own, `benches/peers/requirements-drift.txt`.
//! * `outlier`: isolation forests of 100 trees of 256 rows and 12 features. `score`: scores of 1 to 100,000 rows, by
//!   forests that each library has fitted to the same 5000 rows, and by scikit-learn's own in our engine. Equal, where
//!   the forest is the same: to 1e-15; other forests must rank rows as ours does. `fit`: to 5000 and to 1,000,000 rows.
//!   Its peers want `benches/peers/requirements-outlier.txt`, and Cargo compiles those that are crates,
//!   `benches/peers/rust`.
//! * `registry`: MLflow's own client and ours on one MLflow server: CPU time of a small call, metrics from a loop, artifacts.
//!   Its peer wants `benches/peers/requirements-registry.txt`.
//! * `search`: boosters that `wine-quality train` and hyperopt with XGBoost find for UCI's wines, which are in the folder
//!   that `WINE_DATA` names; 15 seeds. Wants `cargo build --release -p wine-quality` before, and its peer
//!   `benches/peers/requirements-search.txt`.
//! * `serve [SECONDS]`: services that answer with the original system's models, one after the other, each under `wrk` and
//!   under requests at a fixed rate for so many seconds (5) a case. [`serve`] says more.
//! * `trainer`: boosters that ours and XGBoost's `hist` train. `quality`: on five data sets with parts of the rows and
//!   features, 160 seeds each, by the rows that were held out. `time`: from 4 thousand rows to a million. Its peer wants
//!   `benches/peers/requirements.txt`.
//! * `xgboost`: probabilities of `xgboost/bench/m_d10.ubj` (300 trees of depth 10) in the folder that `MLOPS_FIXTURES`
//!   names. Equal: to the last bit.

mod comparison;
mod contest;
mod drift;
mod outlier;
mod peer;
mod program;
mod ranks;
mod registry;
mod search;
mod serve;
mod server;
mod trainer;
mod xgboost;

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use mlops_core::durable::FileLock;
use serde::Serialize;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let subject = args.next().unwrap_or_default();
    match compare(&subject, args.next().as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(subject: &str, seconds: Option<&str>) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compare");
    let (work, path) = (folder.join(subject), folder.join(format!("{subject}.json")));
    match (subject, seconds) {
        ("drift", None) => alone(&folder, || report(&drift::compare(&work)?, &path)),
        ("outlier", None) => alone(&folder, || report(&outlier::compare(&work)?, &path)),
        ("registry", None) => alone(&folder, || report(&registry::compare(&work)?, &path)),
        ("search", None) => alone(&folder, || report(&search::compare(&work)?, &path)),
        ("serve", seconds) => {
            let seconds = seconds.unwrap_or("5").parse()?;
            alone(&folder, || report(&serve::compare(&work, seconds)?, &path))
        }
        ("trainer", None) => alone(&folder, || report(&trainer::compare(&work)?, &path)),
        ("xgboost", None) => alone(&folder, || report(&xgboost::compare(&work)?, &path)),
        _ => {
            Err("usage: compare drift|outlier|registry|search|serve [SECONDS]|trainer|xgboost"
                .into())
        }
    }
}

/// Waits until no other comparison runs: each would slow the other.
fn alone(
    folder: &Path,
    compare: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let _lock = FileLock::acquire(&folder.join("lock"))?;
    compare()
}

fn report(comparison: &(impl Serialize + Display), path: &Path) -> Result<(), Box<dyn Error>> {
    mlops_core::durable::write(path, serde_json::to_string_pretty(comparison)?.as_bytes())?;
    writeln!(io::stdout(), "{comparison}")?;
    Ok(())
}
