use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::comparison::{Comparison, Skipped};

/// A peer in a process of its own.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) version: String,
    process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What a process says first.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Greeting {
    Version(String),
    Skipped(String),
}

/// Starts a script of `benches/peers` for each of the peers; what they print is kept in `work`.
///
/// The comparison gets the versions of those that run here, and names those that do not.
pub(crate) fn start(
    python: &str,
    script: &str,
    names: &[&str],
    args: &[&OsStr],
    work: &Path,
    comparison: &mut Comparison,
) -> Result<Vec<Peer>, Box<dyn Error>> {
    let mut peers = Vec::new();
    fs::create_dir_all(work)?;
    for &name in names {
        let log = File::create(work.join(format!("{name}.log")))?;
        match Peer::start(python, script, name, args, log) {
            Ok(peer) => {
                comparison.versions.insert(peer.name.clone(), peer.version.clone());
                peers.push(peer);
            }
            Err(reason) => {
                let (peer, reason) = (name.to_owned(), reason.to_string());
                if comparison.skipped.iter().all(|skipped| skipped.peer != peer) {
                    comparison.skipped.push(Skipped { peer, reason });
                }
            }
        }
    }
    Ok(peers)
}

impl Peer {
    /// Starts a script of `benches/peers` for the peer of that name; what the peer prints goes into `log`.
    ///
    /// # Errors
    /// If there is no such Python, or the peer does not run in it.
    fn start(
        python: &str,
        script: &str,
        name: &str,
        args: &[&OsStr],
        log: File,
    ) -> Result<Self, Box<dyn Error>> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let mut process = Command::new(python)
            .arg(scripts.join(script))
            .arg(name)
            .args(args)
            .envs(["OMP_NUM_THREADS", "TBB_NUM_THREADS"].map(|variable| (variable, "1")))
            .env("PYTHONPATH", scripts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a process without pipes".into());
        };
        let answers = BufReader::new(answers).lines();
        let (name, version) = (name.to_owned(), String::new());
        let mut peer = Self { name, version, process, questions, answers };
        match peer.answer()? {
            Greeting::Version(version) => peer.version = version,
            Greeting::Skipped(reason) => return Err(reason.into()),
        }
        Ok(peer)
    }

    /// The results of the first `count` calls of `n` rows, one after the other.
    pub(crate) fn predict(&mut self, n: usize, count: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        writeln!(self.questions, "predict {n} {count}")?;
        self.answer()
    }

    /// The mean microseconds of a call for `n` rows, over about that many seconds.
    pub(crate) fn time(&mut self, n: usize, seconds: f64) -> Result<f64, Box<dyn Error>> {
        writeln!(self.questions, "time {n} {seconds}")?;
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T, Box<dyn Error>> {
        let line = self.answers.next();
        let line = line.ok_or_else(|| format!("{} ended early; see its log", self.name))??;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // What was asked of it is done; nobody waits for more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
