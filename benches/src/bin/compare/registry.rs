//! MLflow's own client and ours, in turn, on one MLflow server of this machine with a database and its artifacts on disk, and
//! as many workers as it starts by itself.
//!
//! A figure is the median over the turns.

mod ours;

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;
use std::process::Command;

use mlops_benches::peers_python;
use serde::Serialize;

use crate::comparison::machine;
use crate::peer::{self, Peer};
use crate::program::Program;
use crate::server::Server;
use crate::{comparison::Comparison, registry::ours::Ours};

const REQUIREMENTS: &str = "requirements-registry.txt";
/// An odd number, so that one of them is the median.
const TURNS: usize = 3;
/// The server takes most of the time of a copy, and not always the same.
const TURNS_OF_COPIES: usize = 15;
/// All but some percent of it for a large file.
const TURNS_OF_LARGE_COPIES: usize = 25;
/// MLflow's client logs for minutes.
const TURNS_OF_METRICS: usize = 1;
const N_CALLS: usize = 300;
const N_METRICS: usize = 10_000;
const N_SMALL: usize = 200;
const SMALL: usize = 4096;
const LARGE: usize = 256 << 20;

/// What was measured, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Measurements {
    machine: String,
    mlflow: String,
    cases: Vec<Case>,
}

/// The same work of both clients.
#[derive(Debug, Serialize)]
struct Case {
    name: &'static str,
    unit: &'static str,
    ours: f64,
    peer: f64,
    /// `peer / ours`, the median of the turns: the machine is not as fast in all of them.
    ratio: f64,
    /// The least ratio that is aimed at.
    goal: f64,
}

/// A question to the peer, and the same of ours; both give the figures of some cases.
type Task<'a> = (String, Box<dyn FnMut(&Ours) -> Result<Vec<f64>, Box<dyn Error>> + 'a>);

pub(crate) fn compare(work: &Path) -> Result<Measurements, Box<dyn Error>> {
    fs::create_dir_all(work)?;
    let store = tempfile::tempdir_in(work)?;
    let python = peers_python(REQUIREMENTS)?;
    let command = |port: u16| {
        let mut command = Command::new(&python);
        command.args(["-m", "mlflow", "server", "--host", "127.0.0.1"]);
        command.args(["--port", &port.to_string()]).current_dir(store.path());
        command.args(["--backend-store-uri", "sqlite:///mlflow.db"]);
        command.args(["--artifacts-destination", "artifacts"]);
        Ok(command)
    };
    let server = Server::start("MLflow server", "/health", command, work)?;
    let (small, large) = (store.path().join("small"), store.path().join("large"));
    write_files(&small, N_SMALL, SMALL)?;
    write_files(&large, 1, LARGE)?;

    let ours = Ours::connect(&server.url(""))?;
    let program = Program::python("registry.py", REQUIREMENTS)?;
    let mut comparison = Comparison::of("mlops-registry");
    let url = server.url("");
    let mut peers = peer::start(&program, &["mlflow"], &[OsStr::new(&url)], work, &mut comparison)?;
    let peer = peers.first_mut().ok_or("MLflow's client does not run; see its log")?;

    let folders = [small, large].map(|folder| folder.display().to_string());
    let [small, large] = &folders;
    let mut cases = Vec::new();
    let mut measure = |n_turns, names: &[(&'static str, &'static str, f64)], mut task: Task<'_>| {
        cases.extend(turns(n_turns, names, &mut task, &ours, peer)?);
        Ok::<_, Box<dyn Error>>(())
    };
    measure(
        TURNS,
        &[("a small call: CPU", "us", 5.0), ("a small call", "us", 1.0)],
        (format!("get {N_CALLS}"), Box::new(|ours| ours.get(N_CALLS))),
    )?;
    let logged =
        [("10,000 metrics: the loop", "ms", 1.0), ("10,000 metrics: all there", "ms", 1.0)];
    let log: Task<'_> = (format!("log {N_METRICS}"), Box::new(|ours| ours.log(N_METRICS)));
    measure(TURNS_OF_METRICS, &logged, log)?;
    for (n_turns, names, folder) in [
        (
            TURNS_OF_COPIES,
            [("200 files of 4 KB: upload", "ms", 1.0), ("200 files of 4 KB: download", "ms", 1.0)],
            small,
        ),
        (
            TURNS_OF_LARGE_COPIES,
            [("a file of 256 MB: upload", "ms", 1.0), ("a file of 256 MB: download", "ms", 1.0)],
            large,
        ),
    ] {
        let copy: Task<'_> =
            (format!("copy {folder}"), Box::new(|ours| ours.copy(Path::new(folder))));
        measure(n_turns, &names, copy)?;
    }
    Ok(Measurements { machine: machine(), mlflow: peer.version.clone(), cases })
}

/// Lets both do the task by turns; of several, another one before them warms up.
fn turns(
    n_turns: usize,
    names: &[(&'static str, &'static str, f64)],
    (question, task): &mut Task<'_>,
    ours: &Ours,
    peer: &mut Peer,
) -> Result<Vec<Case>, Box<dyn Error>> {
    let (mut our_turns, mut peer_turns) = (Vec::new(), Vec::new());
    let n_warm = usize::from(n_turns > 1);
    for turn in 0..n_turns + n_warm {
        // Whoever comes second finds what the first has left behind.
        let (our_turn, peer_turn) = if turn % 2 == 0 {
            let ours = task(ours)?;
            (ours, peer.ask::<Vec<f64>>(question)?)
        } else {
            let peer = peer.ask::<Vec<f64>>(question)?;
            (task(ours)?, peer)
        };
        if turn >= n_warm {
            our_turns.push(our_turn);
            peer_turns.push(peer_turn);
        }
    }
    let cases = names.iter().enumerate().map(|(at, &(name, unit, goal))| {
        let of = |turns: &[Vec<f64>]| median(turns.iter().map(|turn| turn[at]));
        let (ours, peer) = (of(&our_turns), of(&peer_turns));
        let ratios = our_turns.iter().zip(&peer_turns).map(|(ours, peer)| peer[at] / ours[at]);
        Case { name, unit, ours, peer, ratio: median(ratios), goal }
    });
    Ok(cases.collect())
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Files whose bytes follow from their number.
fn write_files(folder: &Path, n_files: usize, n_bytes: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for file in 0..n_files {
        let bytes: Vec<u8> = (0..=250).cycle().skip(file % 251).take(n_bytes).collect();
        fs::write(folder.join(format!("{file}.bin")), bytes)?;
    }
    Ok(())
}

impl Display for Measurements {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, MLflow {}", self.machine, self.mlflow)?;
        writeln!(
            f,
            "\n{:<28} {:>4} {:>12} {:>12} {:>8}",
            "case", "unit", "ours", "MLflow", "ratio"
        )?;
        for Case { name, unit, ours, peer, ratio, goal } in &self.cases {
            let verdict = if ratio >= goal { "holds" } else { "does not hold" };
            write!(f, "{name:<28} {unit:>4} {ours:>12.1} {peer:>12.1} {ratio:>8.2}")?;
            writeln!(f, "  at least {goal}: {verdict}")?;
        }
        Ok(())
    }
}
