//! Starting the program.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wine-quality"));
    command.args(args).env_remove("MLFLOW_TRACKING_URI").stdin(Stdio::null());
    command
}

/// Runs the program in `folder`, where `./mlruns` is its store.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    program(args).current_dir(folder).output().unwrap()
}

pub(crate) fn bundled_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A running `serve`; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) url: String,
}

impl Server {
    /// Serves what was trained in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        let args = ["serve", "--config", "mlruns/configuration.json", "--listen", "127.0.0.1:0"];
        let mut command = program(&args);
        command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
        Self { url: url.to_owned(), process }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended by itself cannot be killed again.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
