use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use mlops_benches::peers_python;

/// A program that serves peers; its first argument names one.
#[derive(Debug)]
pub(crate) struct Program {
    executable: OsString,
    script: Option<PathBuf>,
}

impl Program {
    /// A script of `benches/peers`, in the Python that has what a file there requires.
    pub(crate) fn python(script: &str, requirements: &str) -> Result<Self, Box<dyn Error>> {
        let executable = peers_python(requirements)?.into();
        Ok(Self { executable, script: Some(peers().join(script)) })
    }

    /// The workspace `benches/peers/rust`, which Cargo compiles into the folder `target`.
    ///
    /// # Errors
    /// If it cannot be compiled here; Cargo has then said why.
    pub(crate) fn rust(target: &Path) -> Result<Self, Box<dyn Error>> {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--locked", "--manifest-path"])
            .arg(peers().join("rust/Cargo.toml"))
            .arg("--target-dir")
            .arg(target)
            .status()?;
        if !status.success() {
            return Err("Cargo does not compile benches/peers/rust".into());
        }
        let executable =
            target.join("release/peers").with_extension(std::env::consts::EXE_EXTENSION);
        Ok(Self { executable: executable.into(), script: None })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(&self.script).env("PYTHONPATH", peers());
        command
    }
}

/// The folder of the peers.
pub(crate) fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}
