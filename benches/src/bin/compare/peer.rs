use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use mlops_core::Records;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::comparison::Comparison;
use crate::program::Program;

/// What peers take the number of their threads from.
const THREADS: [&str; 3] = ["OMP_NUM_THREADS", "RAYON_NUM_THREADS", "TBB_NUM_THREADS"];

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

/// Starts a program for each of the peers; what they print is kept in `work`.
///
/// The comparison gets the versions of those that run here, and names those that do not.
pub(crate) fn start(
    program: &Program,
    names: &[&str],
    args: &[&OsStr],
    work: &Path,
    comparison: &mut Comparison,
) -> Result<Vec<Peer>, Box<dyn Error>> {
    let mut peers = Vec::new();
    fs::create_dir_all(work)?;
    for &name in names {
        let log = File::create(work.join(format!("{name}.log")))?;
        match Peer::start(program, name, args, log) {
            Ok(peer) => {
                comparison.versions.insert(peer.name.clone(), peer.version.clone());
                peers.push(peer);
            }
            Err(reason) => comparison.skip(name, &*reason),
        }
    }
    Ok(peers)
}

/// Writes the values row by row, least significant byte first, for peers to read.
pub(crate) fn write(records: &Records, path: &Path) -> io::Result<()> {
    let bytes: Vec<u8> = records.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(path, bytes)
}

impl Peer {
    /// Starts a program for the peer of that name; what the peer prints goes into `log`.
    ///
    /// # Errors
    /// If the program cannot be started, or the peer does not run in it.
    fn start(
        program: &Program,
        name: &str,
        args: &[&OsStr],
        log: File,
    ) -> Result<Self, Box<dyn Error>> {
        let mut process = program
            .command()
            .arg(name)
            .args(args)
            .envs(THREADS.map(|variable| (variable, "1")))
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
        self.ask(&format!("predict {n} {count}"))
    }

    /// The mean microseconds of a call for `n` rows, over about that many seconds.
    pub(crate) fn time(&mut self, n: usize, seconds: f64) -> Result<f64, Box<dyn Error>> {
        self.ask(&format!("time {n} {seconds}"))
    }

    /// What the peer answers to a question of its own.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, question: &str) -> Result<T, Box<dyn Error>> {
        writeln!(self.questions, "{question}")?;
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
