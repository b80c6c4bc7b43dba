use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

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

impl Peer {
    /// Starts a script of `benches/peers` for the peer of that name; what the peer prints goes into `log`.
    ///
    /// # Errors
    /// If there is no such Python, or the peer does not run in it.
    pub(crate) fn start(
        python: &str,
        script: &str,
        name: &str,
        args: &[&OsStr],
        log: File,
    ) -> Result<Self, Box<dyn Error>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script);
        let mut process = Command::new(python)
            .arg(script)
            .arg(name)
            .args(args)
            .envs(["OMP_NUM_THREADS", "TBB_NUM_THREADS"].map(|variable| (variable, "1")))
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

    /// The result for all rows, computed `n` rows a call.
    pub(crate) fn predict(&mut self, n: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        writeln!(self.questions, "predict {n}")?;
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
