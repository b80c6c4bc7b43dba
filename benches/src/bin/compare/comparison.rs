use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::thread;

use serde::Serialize;

/// What was measured, as it is written; every comparison of calls has this form.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// The processor, and how many threads it runs at once.
    pub(crate) machine: String,
    /// The version of this project and of each peer.
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) rows: Vec<Row>,
}

/// A peer that does not run here.
#[derive(Debug, Serialize)]
pub(crate) struct Skipped {
    pub(crate) peer: String,
    pub(crate) reason: String,
}

/// A peer in one case.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) peer: String,
    pub(crate) case: String,
    /// How ours computes the case.
    pub(crate) engine: String,
    /// Median microseconds of a call.
    pub(crate) ours_us: f64,
    /// Median microseconds of a call.
    pub(crate) peer_us: f64,
    /// `peer_us / ours_us`.
    pub(crate) ratio: f64,
    /// Whether the peer's results are ours, as closely as the comparison asks for; `None` if they are
    /// another model's.
    pub(crate) equal: Option<bool>,
}

impl Comparison {
    /// Nothing measured yet of a crate of this project.
    pub(crate) fn of(name: &str) -> Self {
        Self {
            machine: machine(),
            versions: BTreeMap::from([(name.to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            skipped: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Names a peer that does not run here, once.
    pub(crate) fn skip(&mut self, peer: &str, reason: &dyn Error) {
        if self.skipped.iter().all(|skipped| skipped.peer != peer) {
            self.skipped.push(Skipped { peer: peer.to_owned(), reason: reason.to_string() });
        }
    }
}

/// The processor of this machine.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| Some(line.split_once(':')?.1.trim()));
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {n_threads} threads", model.unwrap_or(std::env::consts::ARCH))
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        for Skipped { peer, reason } in &self.skipped {
            writeln!(f, "left out: {peer} ({reason})")?;
        }
        writeln!(
            f,
            "\n{:<26} {:<24} {:>11} {:>11} {:>9}  {:<5}  engine",
            "peer", "case", "ours, us", "peer, us", "ratio", "equal"
        )?;
        for Row { peer, case, engine, ours_us, peer_us, ratio, equal } in &self.rows {
            let equal = equal.map_or("-", |equal| if equal { "yes" } else { "no" });
            write!(f, "{peer:<26} {case:<24} {ours_us:>11.2} {peer_us:>11.2} {ratio:>9.2}")?;
            writeln!(f, "  {equal:<5}  {engine}")?;
        }
        Ok(())
    }
}
