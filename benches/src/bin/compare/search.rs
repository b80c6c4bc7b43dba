//! hyperopt's search for the parameters of a booster, and that of `wine-quality train`, on one thread.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, machine};
use crate::contest::median;
use crate::peer;
use crate::program::Program;

const REQUIREMENTS: &str = "requirements-search.txt";
const N_SEEDS: u32 = 15;
const TRIALS: u32 = 32;

/// What was measured, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Measurements {
    machine: String,
    hyperopt: String,
    protocols: Vec<Protocol>,
}

/// How good the boosters are that are found, on the wines of the test.
#[derive(Debug, Serialize)]
struct Protocol {
    name: &'static str,
    /// How far behind the peer's the median may be.
    margin: f64,
    ours: Vec<f64>,
    peer: Vec<f64>,
    /// Of a search.
    our_seconds: Vec<f64>,
    peer_seconds: Vec<f64>,
}

/// The last line that `wine-quality train` prints.
#[derive(Debug, Deserialize)]
struct Outcome {
    auc: f64,
    auc_original_protocol: f64,
    search_seconds: f64,
    search_seconds_original_protocol: f64,
}

pub(crate) fn compare(work: &Path) -> Result<Measurements, Box<dyn Error>> {
    fs::create_dir_all(work)?;
    let data = data()?;
    let program = Program::python("search.py", REQUIREMENTS)?;
    let mut comparison = Comparison::of("mlops-pipeline");
    let folder: &[&OsStr] = &[data.as_os_str()];
    let mut peers = peer::start(&program, &["hyperopt"], folder, work, &mut comparison)?;
    let peer = peers.first_mut().ok_or("hyperopt does not run; see its log")?;
    let protocol = |name, margin| Protocol {
        name,
        margin,
        ours: Vec::new(),
        peer: Vec::new(),
        our_seconds: Vec::new(),
        peer_seconds: Vec::new(),
    };
    let mut protocols = [protocol("original", 0.001), protocol("honest", 0.003)];
    for seed in 0..N_SEEDS {
        let outcome = train(&data, seed)?;
        let ours = [
            (outcome.auc_original_protocol, outcome.search_seconds_original_protocol),
            (outcome.auc, outcome.search_seconds),
        ];
        for (protocol, (auc, seconds)) in protocols.iter_mut().zip(ours) {
            protocol.ours.push(auc);
            protocol.our_seconds.push(seconds);
            let question = format!("{} {seed} {TRIALS}", protocol.name);
            let [auc, seconds] = peer.ask::<[f64; 2]>(&question)?;
            protocol.peer.push(auc);
            protocol.peer_seconds.push(seconds);
        }
    }
    Ok(Measurements {
        machine: machine(),
        hyperopt: peer.version.clone(),
        protocols: protocols.into(),
    })
}

/// The folder with UCI's wines and their splits.
fn data() -> Result<PathBuf, Box<dyn Error>> {
    let data = std::env::var_os("WINE_DATA").ok_or("WINE_DATA names no folder with the wines")?;
    Ok(fs::canonicalize(data)?)
}

/// Runs `wine-quality train`, which lies beside this program.
fn train(data: &Path, seed: u32) -> Result<Outcome, Box<dyn Error>> {
    let program = std::env::current_exe()?.with_file_name("wine-quality");
    let store = tempfile::tempdir()?;
    let mut command = Command::new(program);
    command.args(["train", "--jobs", "1", "--trials", &TRIALS.to_string()]);
    command.args(["--seed", &seed.to_string()]).arg("--data").arg(data);
    command.arg("--split").arg(data.join("split_grouped_seed1.csv"));
    command.arg("--test-rows").arg(data.join("test_rows_seed1.csv"));
    let output = command.arg("--store").arg(store.path()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?)
}

impl Display for Measurements {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, hyperopt {}", self.machine, self.hyperopt)?;
        writeln!(
            f,
            "{N_SEEDS} searches of {TRIALS} trials; area under the ROC curve on the test wines"
        )?;
        for protocol in &self.protocols {
            let [ours, peer] = [&protocol.ours, &protocol.peer].map(|each| median(each.clone()));
            let times = [&protocol.our_seconds, &protocol.peer_seconds];
            let [our_seconds, peer_seconds] = times.map(|each| median(each.clone()));
            let ratio = peer_seconds / our_seconds;
            let is_good = ours >= peer - protocol.margin && ratio >= 2.0;
            writeln!(
                f,
                "{:<9} ours {ours:.4} {}, hyperopt {peer:.4} {}; {our_seconds:.2} s and {peer_seconds:.2} s, {ratio:.2}: {}",
                protocol.name,
                Range(&protocol.ours),
                Range(&protocol.peer),
                if is_good { "holds" } else { "does not hold" }
            )?;
        }
        Ok(())
    }
}

/// The least and the largest of some figures.
struct Range<'a>(&'a [f64]);

impl Display for Range<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        write!(f, "({least:.4} to {largest:.4})")
    }
}
