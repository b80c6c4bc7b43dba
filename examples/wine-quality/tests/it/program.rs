//! Starting the program.

use std::io::{BufRead, BufReader, Read};
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

/// Starts the program in `folder`, as [`run`] does, without waiting for it.
pub(crate) fn start(folder: &Path, args: &[&str]) -> Child {
    let mut command = program(args);
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
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
    /// What it said before it listened.
    pub(crate) remarks: Vec<String>,
}

impl Server {
    /// Serves what was trained in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// Serves what was trained in `folder`, with more arguments.
    pub(crate) fn start_with(folder: &Path, more: &[&str]) -> Self {
        let args = ["serve", "--config", "mlruns/configuration.json", "--listen", "127.0.0.1:0"];
        let mut command = program(&args);
        command.args(more).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut remarks = Vec::new();
        for line in BufReader::new(process.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            match line.strip_prefix("listening on ") {
                Some(url) => return Self { url: url.to_owned(), process, remarks },
                None => remarks.push(line),
            }
        }
        panic!("{remarks:?}");
    }

    /// Tells the server to end and waits for it; returns its log.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut log = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(self.process.wait().unwrap().success());
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended by itself cannot be killed again.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
