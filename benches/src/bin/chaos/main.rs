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
//!
//! Which promise is tested where; names without a path are scenarios:
//!
//! | threat | promise | tested in |
//! |---|---|---|
//! | bodies that are too large, with and without a length, or compressed; too many rows | 413 or 415, and memory stays | `nonsense`; `body.rs` of `mlops-serve` |
//! | millions of tiny chunks | as one body | `nonsense` |
//! | clients that send or read slowly | closed after 10 or 30 seconds, others notice nothing | `slow-sockets`; `timed_stream.rs`, `admission.rs`, `server/tests.rs` of `mlops-serve` |
//! | deep nesting, huge and odd numbers, keys that are doubled, missing or look alike, byte order marks, other encodings | 4xx with row and field, and no value | `nonsense`; the tests of `Records` in `mlops-core`, `router/tests.rs`; stages `fuzz` and `http` |
//! | a model or a detector panics | 500 for that request, or a part less, and a count; readiness stays | `faulty-models`; `router/tests.rs`, `scoring.rs` |
//! | a detector fails or hangs | the prediction without it | `faulty-models`; `router/tests.rs` |
//! | more requests than can be answered | 503 with `Retry-After`, nine tenths of the peak are answered, health and metrics are | `overload`; `router/tests.rs`, `server/tests.rs` |
//! | SIGTERM | readiness is gone at once, no request fails, every line is written, exit code 0 | `drain`; `server/tests.rs` |
//! | lines that nobody reads, a full disk | answers go on and losses are counted; with an audit log 503 | `unread-stdout`, `full-disk`; `telemetry.rs` and `audit/tests.rs` of `mlops-telemetry` |
//! | a crash | the audit log has every answer | `killed`; `audit/tests.rs` |
//! | new versions under load, and bad ones | no answer of two versions; the old one stays | `swaps`; `router/tests.rs`, `server/tests.rs`, `tests/it/service.rs` of `wine-quality`; stage `fuzz` |
//! | memory | does not grow, and bodies have a bound | `memory`, `nonsense`; `admission.rs` |
//! | large heads, wrong methods, requests hidden in others | 431, 400, 405; one answer | `nonsense`; `server/tests.rs` |
//! | headers that look like lines of the log | lines stay lines | `nonsense`; stage `fuzz` |
//! | clients without a key, or without TLS | 401, or no connection | `api_keys.rs`, `server/tests.rs` |
//! | clocks that jump | deadlines are of a clock that does not | `timed_stream.rs`, with a clock of its own |
//! | a second service | says why it ends | `twice` |

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
