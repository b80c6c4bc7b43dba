//! Attacks `wine-quality serve` over sockets, and says which of its promises hold.
//!
//! ```sh
//! cargo run --release -p mlops-benches --bin chaos                    # every scenario, in full size
//! cargo run --release -p mlops-benches --bin chaos -- --short         # the same, smaller: less than two minutes
//! cargo run --release -p mlops-benches --bin chaos -- drain memory    # two of them
//! ```
//!
//! Models are trained first (`wine-quality train --trials 1`), and everything stands in a temporary folder. Each scenario
//! prints a line with what was measured; a figure that breaks a promise is marked, and the program then ends with 1.
//! Load and service share the machine, so latencies are compared with those of the same service left in peace.

mod client;
mod drain;
mod faulty_models;
mod full_disk;
mod in_process;
mod killed;
mod memory;
mod nonsense;
mod outcome;
mod overload;
mod program;
mod service;
mod slow_sockets;
mod stub;
mod swaps;
mod twice;
mod unread_stdout;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use outcome::Outcome;
use program::Program;

/// What scenarios are made of.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) program: Program,
    /// Whether counts are small.
    pub(crate) is_short: bool,
}

impl Stage {
    /// The first in full size, else the second.
    pub(crate) fn size<T>(&self, full: T, short: T) -> T {
        if self.is_short { short } else { full }
    }
}

type Scenario = fn(&Stage) -> Result<Outcome, Box<dyn Error>>;

const SCENARIOS: [(&str, Scenario); 11] = [
    ("slow-sockets", slow_sockets::run),
    ("overload", overload::run),
    ("drain", drain::run),
    ("swaps", swaps::run),
    ("memory", memory::run),
    ("unread-stdout", unread_stdout::run),
    ("full-disk", full_disk::run),
    ("nonsense", nonsense::run),
    ("killed", killed::run),
    ("twice", twice::run),
    ("faulty-models", faulty_models::run),
];

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the scenarios of the command line; whether all promises hold.
fn run() -> Result<bool, Box<dyn Error>> {
    let (options, names): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let is_known = |name: &String| SCENARIOS.iter().any(|(known, _)| known == name);
    if options.iter().any(|option| option != "--short") || !names.iter().all(is_known) {
        let known = SCENARIOS.map(|(name, _)| name).join("|");
        return Err(format!("usage: chaos [--short] [{known}]...").into());
    }
    let stage = Stage { program: Program::prepare()?, is_short: !options.is_empty() };
    let mut all_hold = true;
    for (name, scenario) in SCENARIOS {
        if !names.is_empty() && !names.iter().any(|chosen| chosen == name) {
            continue;
        }
        let started = Instant::now();
        let outcome = scenario(&stage).unwrap_or_else(|error| Outcome::failed(&*error));
        all_hold &= outcome.holds();
        let seconds = started.elapsed().as_secs_f64();
        writeln!(io::stdout(), "{name} ({seconds:.0} s): {outcome}")?;
    }
    Ok(all_hold)
}
