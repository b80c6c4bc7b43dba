use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use mlops_benches::peers_python;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The script `benches/peers/accuracy`, which fits scikit-learn's forests.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) versions: BTreeMap<String, String>,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// A forest of scikit-learn.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    /// The name of the data set.
    pub(crate) set: String,
    /// The package that the data set is of, or `generated`.
    pub(crate) source: String,
    /// The file of its rows.
    pub(crate) rows: PathBuf,
    pub(crate) n_features: usize,
    pub(crate) seed: u64,
    pub(crate) auc: f64,
}

/// What the script says first.
#[derive(Deserialize)]
struct Greeting {
    versions: BTreeMap<String, String>,
}

impl Peer {
    /// Starts the script with a folder for its files; what Python complains about goes there, too.
    ///
    /// # Errors
    /// If there is no such Python, or the script does not run in it.
    pub(crate) fn start(work: &Path, n_seeds: u64) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(peers_python("requirements-accuracy.txt")?)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/accuracy"))
            .arg(work)
            .arg(n_seeds.to_string())
            .stdout(Stdio::piped())
            .stderr(File::create(work.join("python.log"))?)
            .spawn()?;
        let lines = process.stdout.take().ok_or("a process without pipes")?;
        let lines = BufReader::new(lines).lines();
        let mut peer = Self { versions: BTreeMap::new(), process, lines };
        let greeting: Option<Greeting> = peer.line()?;
        peer.versions = greeting.ok_or("the script says nothing")?.versions;
        Ok(peer)
    }

    /// The next forest; `None` if the script has fitted all of them.
    ///
    /// # Errors
    /// If the script fails.
    pub(crate) fn next_case(&mut self) -> Result<Option<Case>, Box<dyn Error>> {
        self.line()
    }

    fn line<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Box<dyn Error>> {
        if let Some(line) = self.lines.next() {
            return Ok(Some(serde_json::from_str(&line?)?));
        }
        let status = self.process.wait()?;
        if status.success() { Ok(None) } else { Err("the script failed; see python.log".into()) }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // What was asked of it is done; nobody waits for more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
